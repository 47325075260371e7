/**
 * Of connections whose statements all look up by index, whatever the values: their plans are kept, and none is made for
 * a table that is still empty.
 */
export const PLANNING = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off';
