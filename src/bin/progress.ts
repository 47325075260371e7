/** A line on a terminal that is written over, at most five times a second; nothing where nobody watches. */
export type Progress = { readonly show: (text: () => string) => void; readonly clear: () => void };

const EVERY_MS = 200;

export const createProgress = (terminal: NodeJS.WriteStream): Progress => {
  let shownAt = 0;
  let isShown = false;
  return {
    show: (text) => {
      if (!terminal.isTTY || Date.now() - shownAt < EVERY_MS) return;
      shownAt = Date.now();
      isShown = true;
      terminal.write(`\r\u001b[K${text()}`);
    },
    clear: () => {
      if (isShown) terminal.write('\r\u001b[K');
      isShown = false;
    },
  };
};
