import type { ReactNode } from "react";
import { Mark } from "../../ui/Mark";

/** The page before one is signed in. */
export function Gate({ children, words }: { children: ReactNode; words: string }) {
  return (
    <div className="fl-gate">
      <header className="fl-gate-side">
        <svg className="fl-gate-rope" viewBox="0 0 600 800" preserveAspectRatio="xMidYMid slice" fill="none" aria-hidden="true">
          <g stroke="#ffffff" strokeOpacity="0.05" strokeWidth="2">
            <circle cx="420" cy="400" r="120" />
            <circle cx="420" cy="400" r="190" />
            <circle cx="420" cy="400" r="270" />
            <circle cx="420" cy="400" r="360" />
          </g>
          <path d="M420 464a64 64 0 0 1 -43 -111" stroke="#dceceb" strokeWidth="16" strokeLinecap="round" />
          <path d="M-40 640C160 640 240 400 420 400S640 180 700 150" stroke="#e0a92e" strokeWidth="7" strokeLinecap="round" />
          <path d="M420 336a64 64 0 0 1 0 128" stroke="var(--fl-hull)" strokeWidth="28" />
          <path d="M420 336a64 64 0 0 1 0 128" stroke="#dceceb" strokeWidth="16" strokeLinecap="round" />
        </svg>
        <div className="fl-brand" style={{ padding: 0, position: "relative" }}>
          <Mark size={30} />
          Fairlead
        </div>
        <p>{words}</p>
      </header>
      <main className="fl-gate-main">{children}</main>
    </div>
  );
}
