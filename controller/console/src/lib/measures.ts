import { bytes, duration } from "./format";

/** How measured numbers are said beside their charts. */
export const inPercent = (v: number) => `${Math.round(v)} %`;
export const inLoad = (v: number) => v.toFixed(v < 10 ? 1 : 0);
export const inBytesPerSecond = (v: number) => `${bytes(Math.round(v))}/s`;
export const inMilliseconds = (v: number) => (v >= 1000 ? duration(v) : `${Math.round(v)} ms`);
export const inSeconds = (v: number) => (v < 1 ? `${v.toFixed(1)} s` : duration(Math.round(v) * 1000));

/** "3", "0.25", "1,204": as many places as say something. */
export function inNumber(v: number): string {
  if (v >= 100) return Math.round(v).toLocaleString();
  const digits = v >= 10 ? 1 : 2;
  return v.toFixed(digits).replace(/\.?0+$/, "");
}

/** Of 1: "99.9 %", and "100 %" only where it was all of it. */
export const inShare = (v: number) => (v >= 1 ? "100 %" : `${(Math.floor(v * 1000) / 10).toFixed(1)} %`);
