/** The newest log lines, and which of them a reader asked for. */

import { asNumber, isRecord, isString } from '../../api/guards';
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

  /** Begin anew with lines that were fetched. */
  load(lines: readonly ILogLine[]): void {
    this._lines.length = 0;
    this._lines.push(...lines);
    this._loadedUpTo = lines.at(-1)?.ts ?? 0;
    this._see(lines);
  }

  /** Add lines that events brought; those that were fetched already are left out. */
  add(lines: readonly ILogLine[]): readonly ILogLine[] {
    const fresh = lines.filter(({ ts }) => ts > this._loadedUpTo);
    this._lines.push(...fresh);
    this._see(fresh);
    if (this._lines.length > 2 * this._most) {
      this._lines.splice(0, this._lines.length - this._most);
    }
    return fresh;
  }

  /** The newest lines that pass. */
  select(filter: IFilter): readonly ILogLine[] {
    return this._lines.filter(line => passes(line, filter)).slice(-this._most);
  }

  private _see(lines: readonly ILogLine[]): void {
    lines.forEach(({ service }) => this._services.add(service));
  }

  private readonly _lines: ILogLine[] = [];
  private _loadedUpTo = 0;
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

/** The lines among what came from elsewhere. */
export function linesOf(value: unknown): readonly ILogLine[] {
  return Array.isArray(value) ? value.filter(isLine) : [];
}

function isLine(value: unknown): value is ILogLine {
  return (
    isRecord(value) &&
    asNumber(value['ts']) !== null &&
    isString(value['service']) &&
    isString(value['line'])
  );
}
