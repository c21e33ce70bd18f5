import assert from "node:assert/strict";
import { FULLEST, inputsOf, make, SMALLEST, TOPIC } from "../support/intrusion-prevention";
import { arnOf, type Registered } from "../support/mocks";

describe("IntrusionPrevention: alarms", () => {
  let smallest: Registered[];
  let fullest: Registered[];

  before(async () => {
    smallest = await make(SMALLEST);
    fullest = await make(FULLEST);
  });

  it("all ring at the topic, and say when they are over", () => {
    for (const [of, topic] of [
      [smallest, arnOf("sns", "edge-notices")],
      [fullest, TOPIC],
    ] as const) {
      const alarms = of.filter(({ type }) => type.endsWith(":MetricAlarm"));
      assert.equal(alarms.length, 17);
      for (const { inputs } of alarms) {
        assert.deepEqual(inputs.alarmActions, [topic]);
        assert.deepEqual(inputs.okActions, [topic]);
        assert.match(String(inputs.alarmDescription), /[.]$/);
      }
    }
  });

  it("ring when nothing comes at all", () => {
    const { metricName, threshold, comparisonOperator, period, treatMissingData, dimensions } =
      inputsOf(fullest, "no-logs");
    assert.deepEqual(
      { metricName, threshold, comparisonOperator, period, treatMissingData, dimensions },
      {
        metricName: "IncomingRecords",
        threshold: 1,
        comparisonOperator: "LessThanThreshold",
        period: 300,
        treatMissingData: "breaching",
        dimensions: { DeliveryStreamName: "edge-logs-name" },
      },
    );
  });

  it("watch each function, the delivery stream and the failures queue", () => {
    const dimensionsOf = (name: string): unknown => inputsOf(smallest, name).dimensions;
    for (const fn of ["parse", "count", "act", "expire"])
      assert.deepEqual(dimensionsOf(`${fn}-errors`), { FunctionName: `edge-${fn}-name` });
    for (const fn of ["count", "act"])
      assert.deepEqual(dimensionsOf(`${fn}-late`), { FunctionName: `edge-${fn}-name` });
    assert.deepEqual(dimensionsOf("archive-late"), { DeliveryStreamName: "edge-logs-name" });
    assert.deepEqual(dimensionsOf("failed-batches"), { QueueName: "edge-failures-name" });
  });

  it("watch the metrics that the callbacks report", () => {
    const own = smallest.filter(({ inputs }) => inputs.namespace === "Floodgate");
    assert.deepEqual(
      own.map(({ name, inputs }) => [
        name,
        inputs.metricName as string,
        inputs.threshold as number,
      ]),
      [
        ["edge-failed-records", "RecordsFailed", 0],
        ["edge-mass-block", "MassBlocks", 0],
        ["edge-no-expiry", "DecisionsInForce", 1],
        ["edge-sets-failing", "IpSetFailures", 0],
        ["edge-sets-filling", "IpSetFillPercent", 70],
        ["edge-sets-full", "IpSetFillPercent", 90],
        ["edge-unforwarded", "RequestsUnforwarded", 0],
      ],
    );
    for (const { inputs } of own) assert.deepEqual(inputs.dimensions, { Component: "edge-dev" });
  });
});
