/** What jsdom lacks: everything is on the screen, nothing changes its size. */

class AlwaysVisible {
  constructor(private readonly _callback: IntersectionObserverCallback) {}
  observe(target: Element): void {
    const entry = { isIntersecting: true, target };
    setTimeout(() => {
      this._callback(
        [entry as IntersectionObserverEntry],
        this as unknown as IntersectionObserver
      );
    });
  }
  disconnect(): void {
    // nothing to end
  }
}

class NeverResized {
  observe(): void {
    // nothing ever changes
  }
  disconnect(): void {
    // nothing to end
  }
}

Object.assign(globalThis, {
  IntersectionObserver: AlwaysVisible,
  ResizeObserver: NeverResized,
  requestIdleCallback: (callback: () => void) => setTimeout(callback),
  DragEvent: class extends MouseEvent {} // Lumino derives a class from it
});
window.matchMedia = () =>
  ({
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined, // Lab's toolbars ask by the old name
    removeListener: () => undefined
  }) as unknown as MediaQueryList;
HTMLCanvasElement.prototype.getContext = () => null;
Object.assign(navigator, { clipboard: {} }); // Lab warns when it is not there

export {};
