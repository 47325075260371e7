const bcrypt = require('bcrypt');

/**
 * What the hashing threads run. Plain JavaScript, because a thread starts without what compiles the rest.
 *
 * @param {{ password: string, cost: number }} task
 */
exports.hash = ({ password, cost }) => bcrypt.hashSync(password, cost);

/** @param {{ password: string, hash: string }} task */
exports.compare = ({ password, hash }) => bcrypt.compareSync(password, hash);
