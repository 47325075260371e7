import { stopLeftOver } from './left-over';

/** A test that fails before it stops what it started must not keep its worker, and with it the whole run, alive. */
afterAll(stopLeftOver);
