/** The newest log lines, and which of them a reader asked for. */

import type { ILogLine } from '../../api/types';

export interface IFilter {
  /** null: all services. */
  service: string | null;
  /** Text a line must hold; case does not matter. */
  search: string;
}

export class LogLines {
  constructor(private readonly _most = 2000) {}

  get services(): readonly string[] {
    return [...this._services].sort();
  }

  /** Lines that are gone because the system wrote faster than anybody could read. */
  missed = 0;

  /** Add lines newer than those there are; the rest came twice. Answers with what was new. */
  add(lines: readonly ILogLine[]): readonly ILogLine[] {
    const last = this._lines.at(-1);
    const fresh = last
      ? lines.filter(
          line => line.ts > last.ts || (line.ts === last.ts && !this._has(line))
        )
      : lines;
    this._lines.push(...fresh);
    fresh.forEach(({ service }) => this._services.add(service));
    if (this._lines.length > 2 * this._most) {
      this._lines.splice(0, this._lines.length - this._most);
    }
    return fresh;
  }

  /** The newest lines that pass. */
  select(filter: IFilter): readonly ILogLine[] {
    return this._lines.filter(line => passes(line, filter)).slice(-this._most);
  }

  private _has(line: ILogLine): boolean {
    return this._lines
      .slice(-50)
      .some(
        other =>
          other.ts === line.ts &&
          other.service === line.service &&
          other.line === line.line
      );
  }

  private readonly _lines: ILogLine[] = [];
  private readonly _services = new Set<string>();
}

export function passes(line: ILogLine, filter: IFilter): boolean {
  return (
    (filter.service === null || line.service === filter.service) &&
    (filter.search === '' ||
      line.line.toLowerCase().includes(filter.search.toLowerCase()))
  );
}

/** How bad a line says it is, from the words the servers use. */
export function severity(line: string): 'bad' | 'warn' | '' {
  if (/\b(ERROR|FATAL|PANIC|CRITICAL|Traceback|SyntaxError)\b/.test(line)) {
    return 'bad';
  }
  return /\bWARN(ING)?\b/.test(line) ? 'warn' : '';
}
