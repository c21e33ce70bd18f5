// Runs in the report: draws what the page carries as data. Bundled with uPlot into the page itself.
import uPlot from "uplot";
import { time } from "../wording";

interface ChartData {
  readonly times: number[];
  readonly requests: number[];
  readonly stopped: number[];
}

/** `2026-11-22 03:00`, for seconds since 1970. */
const timeText = (seconds: number): string => time(seconds * 1000).slice(0, 16);

/** The time of day under each mark, and the date where it is another. */
function timeLabels(marks: readonly number[]): string[] {
  let day = "";
  return marks.map((mark) => {
    const [date, clock] = timeText(mark).split(" ");
    const label = date === day ? clock : `${clock}\n${date}`;
    day = date;
    return label;
  });
}

const element = document.getElementById("chart-data");
const place = document.getElementById("chart");
if (element !== null && place !== null) {
  const { times, requests, stopped } = JSON.parse(element.textContent ?? "{}") as ChartData;
  const color = (name: string): string =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = {
    stroke: color("--muted"),
    grid: { stroke: color("--line") },
    ticks: { stroke: color("--line") },
  };
  const width = (): number => Math.max(280, place.clientWidth);
  const chart = new uPlot(
    {
      width: width(),
      height: 260,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC"),
      series: [
        {
          label: "time (UTC)",
          value: (_u, seconds: number | null) => (seconds === null ? "--" : timeText(seconds)),
        },
        {
          label: "requests",
          stroke: color("--accent"),
          fill: `${color("--accent")}33`,
          width: 1.5,
          points: { show: false },
        },
        {
          label: "stopped",
          stroke: color("--stop"),
          fill: `${color("--stop")}55`,
          width: 1.5,
          points: { show: false },
        },
      ],
      axes: [
        { ...axis, values: (_u, marks) => timeLabels(marks) },
        { ...axis, size: 64 },
      ],
      scales: { y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.05)] } },
    },
    [times, requests, stopped],
    place,
  );
  addEventListener("resize", () => {
    chart.setSize({ width: width(), height: 260 });
  });
}
