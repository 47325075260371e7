import { StepRefused } from '../changes/batch';

/** What the step of a sequence was refused for; anything else as it is. */
export const refusalOf = (error: unknown): unknown => (error instanceof StepRefused ? error.refusal : error);
