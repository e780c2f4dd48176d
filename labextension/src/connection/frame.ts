/** Collect work until the next animation frame; where no frame comes (hidden page), a second. */

const HIDDEN_MS = 1000;

export class FrameBatch {
  constructor(private readonly _run: () => void) {}

  /** Run soon; any number of calls until then are one. */
  request(): void {
    if (this._timer !== null) {
      return;
    }
    this._frame = requestAnimationFrame(this._flush);
    this._timer = setTimeout(this._flush, HIDDEN_MS);
  }

  cancel(): void {
    if (this._timer !== null) {
      clearTimeout(this._timer);
      cancelAnimationFrame(this._frame);
      this._timer = null;
    }
  }

  private readonly _flush = (): void => {
    this.cancel();
    this._run();
  };

  private _frame = 0;
  private _timer: ReturnType<typeof setTimeout> | null = null;
}
