import type { Results } from './results';
import type { Stage } from './stage';

/** What the command line says. */
export type Settings = {
  readonly seconds: number;
  readonly rounds: number;
  readonly inFlight: number;
  /** Numbers of customers. */
  readonly sizes: readonly number[];
  /** How many events are in the log that is carried to Kafka. */
  readonly events: number;
  /** How many customers are imported and exported. */
  readonly rows: number;
  /** Names of rpcs or sections; empty: all. */
  readonly only: readonly string[];
};

/**
 * One part of the benches. It prints Markdown line by line as it measures; `stage` starts PostgreSQL at its first call,
 * so that a part whose figures are all kept starts nothing.
 */
export type Part = (bench: {
  readonly settings: Settings;
  readonly results: Results;
  readonly stage: () => Promise<Stage>;
  readonly print: (line: string) => void;
  /** Keeps a chart beside the report. */
  readonly chart: (name: string, svg: string) => void;
}) => Promise<void>;
