export const loadInside = () => import("./Inside");

/** Whoever signs in wants the inside next. */
export function expectInside() {
  void loadInside().catch(() => {}); // drawing it says what is wrong
}
