import type { Row } from "./row";
import {
  COLON,
  DASH,
  DOT,
  find,
  isDigit,
  PLUS,
  readInteger,
  readSecondsAsMs,
  SLASH,
  SPACE,
  viewOf,
  ZERO,
} from "./bytes";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `22/Nov/2026:01:45:34 +0000` */
const LOCAL_LENGTH = 26;
const DAY_LENGTH = 11;
/** The `T` and the `Z` of `2026-11-22T01:45:34Z`. */
const CAPITAL_T = 84;
const CAPITAL_Z = 90;
/** 2001-09-09, the first second with ten digits; nothing logged earlier is being replayed. */
const MIN_EPOCH_SECONDS = 1e9;
const MAX_EPOCH_SECONDS = 1e10;

/**
 * Reads the times that nginx and S3 write: `$time_local`, `$time_iso8601` (with or without a
 * fraction, `Z` or an offset) and `$msec`. Neighbouring lines mostly share their second, so the
 * last text is remembered: comparing 26 bytes is far cheaper than reading them.
 */
export class LogTime {
  private readonly lastText = Buffer.alloc(32);
  private readonly lastView = viewOf(this.lastText);
  private lastLength = -1;
  private lastTime = NaN;
  private readonly lastDay = Buffer.alloc(DAY_LENGTH);
  private lastMidnight = NaN;

  /** Sets the row's time to that of the text at `[start, end)` of its buffer, or to NaN. */
  read(row: Row, start: number, end: number): void {
    const { buf, view } = row;
    const length = end - start;
    if (length === this.lastLength && this.isLast(view, start)) {
      row.time = this.lastTime;
      return;
    }
    row.time = this.readTime(buf, start, end);
    if (length >= 4 && length <= this.lastText.length && !Number.isNaN(row.time)) {
      buf.copy(this.lastText, 0, start, end);
      this.lastLength = length;
      this.lastTime = row.time;
    }
  }

  private readTime(buf: Buffer, start: number, end: number): number {
    if (end - start === LOCAL_LENGTH && buf[start + 2] === SLASH) {
      if (buf[start + 6] !== SLASH || buf[start + 20] !== SPACE) return NaN;
      const clock = readClock(buf, start + 12);
      return this.readDay(buf, start) + clock - readOffset(buf, start + 21, end);
    }
    if (end - start >= 19 && buf[start + 4] === DASH) return readIso(buf, start, end);
    return readEpoch(buf, start, end);
  }

  /** `22/Nov/2026`; where seconds jump to and fro, as in S3 logs, the day stays the same. */
  private readDay(buf: Buffer, start: number): number {
    let i = 0;
    while (i < DAY_LENGTH && buf[start + i] === this.lastDay[i]) i++;
    if (i === DAY_LENGTH) return this.lastMidnight;
    const month = MONTHS.indexOf(buf.toString("latin1", start + 3, start + 6)) + 1;
    const year = readInteger(buf, start + 7, start + 11);
    this.lastMidnight = readDate(year, month, readInteger(buf, start, start + 2));
    buf.copy(this.lastDay, 0, start, start + DAY_LENGTH);
    return this.lastMidnight;
  }

  /** Four bytes at a time, from the right: the seconds differ first. */
  private isLast(view: DataView, start: number): boolean {
    for (let i = this.lastLength - 4; i > 0; i -= 4) {
      if (view.getInt32(start + i) !== this.lastView.getInt32(i)) return false;
    }
    return view.getInt32(start) === this.lastView.getInt32(0);
  }
}

function readIso(buf: Buffer, start: number, end: number): number {
  const hasTime = buf[start + 10] === CAPITAL_T || buf[start + 10] === SPACE;
  if (buf[start + 7] !== DASH || !hasTime) return NaN;
  const date = readDate(
    readInteger(buf, start, start + 4),
    readInteger(buf, start + 5, start + 7),
    readInteger(buf, start + 8, start + 10),
  );
  let at = start + 19;
  let fraction = 0;
  if (buf[at] === DOT) {
    let scale = 100;
    for (at++; at < end && isDigit(buf[at]); at++, scale /= 10) {
      fraction += (buf[at] - ZERO) * scale;
    }
  }
  return date + readClock(buf, start + 11) + Math.floor(fraction) - readOffset(buf, at, end);
}

function readEpoch(buf: Buffer, start: number, end: number): number {
  const dot = find(buf, DOT, start, end);
  const seconds = readInteger(buf, start, dot);
  if (seconds < MIN_EPOCH_SECONDS || seconds > MAX_EPOCH_SECONDS) return NaN;
  const time = readSecondsAsMs(buf, start, end);
  return time < 0 ? NaN : time;
}

function readDate(year: number, month: number, day: number): number {
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return NaN;
  const time = Date.UTC(year, month - 1, day);
  return new Date(time).getUTCDate() === day ? time : NaN;
}

/** `HH:MM:SS` in milliseconds; a leap second 60 is allowed. */
function readClock(buf: Buffer, at: number): number {
  const hours = readInteger(buf, at, at + 2);
  const minutes = readInteger(buf, at + 3, at + 5);
  const seconds = readInteger(buf, at + 6, at + 8);
  const isClock = buf[at + 2] === COLON && buf[at + 5] === COLON;
  if (!isClock || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
  return seconds < 0 || seconds > 60 ? NaN : ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** `+0000`, ` +01:00`, `Z` in milliseconds. */
function readOffset(buf: Buffer, at: number, end: number): number {
  if (buf[at] === CAPITAL_Z && at + 1 === end) return 0;
  const sign = buf[at] === PLUS ? 1 : buf[at] === DASH ? -1 : NaN;
  const minutesAt = buf[at + 3] === COLON ? at + 4 : at + 3;
  if (minutesAt + 2 !== end) return NaN;
  const hours = readInteger(buf, at + 1, at + 3);
  const minutes = readInteger(buf, minutesAt, end);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
  return sign * (hours * 60 + minutes) * 60_000;
}
