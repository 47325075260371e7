/** The median and the 99th percentile, to a hundredth. Sorts the samples in place. */
export const quantiles = (samples: number[]): { readonly p50: number; readonly p99: number } => {
  samples.sort((a, b) => a - b);
  const at = (q: number): number => Math.round((samples[Math.floor(samples.length * q)] ?? 0) * 100) / 100;
  return { p50: at(0.5), p99: at(0.99) };
};

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
