// Numbers as people read them.

const groups = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

/** A whole number (a BigInt or not) with commas: 38,654,705,664. */
export function count(number) {
  const text = String(number);
  return text.startsWith("-") ? `−${groups(text.slice(1))}` : groups(text);
}

/** A value of a signal, kernel or map: at most three decimals, a true minus sign. */
export function value(number) {
  const text = String(Math.round(number * 1000) / 1000 + 0);
  return text.replace("-", "−");
}

/** Bytes in the unit that leaves one to three digits before the point (powers of 1000): 154.6 GB. */
export function memory(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB"];
  let size = Number(bytes);
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${count(bytes)} bytes` : `${size.toFixed(size < 100 ? 1 : size < 1000 ? 1 : 0)} ${units[unit]}`;
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/** A large number in powers of ten: 3.87·10¹⁰. */
export function power(number) {
  const [digits, exponent] = Number(number).toExponential(2).split("e");
  return `${digits}·10${[...exponent.replace("+", "")].map((sign) => RAISED[sign]).join("")}`;
}

/** An index below the line: x₁₂. */
export const lowered = (number) => String(number).replace(/\d/g, (digit) => LOWERED[digit]);

/** A shape: 3 × 5. */
export const shape = (sizes) => sizes.join(" × ");

/** "1 input", "2 inputs". */
export const plural = (number, noun) => `${count(number)} ${noun}${Number(number) === 1 ? "" : "s"}`;
