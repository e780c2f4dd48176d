/** What the sidebar loads when it is first shown. */

import type { CommandRegistry } from '@lumino/commands';
import type { JSX } from 'preact';
import type { IEnvironments } from '../tokens';
import { Browser } from './Browser';
import { doingsOf } from './doings';

export function browser(
  commands: CommandRegistry,
  environments: IEnvironments
): () => JSX.Element {
  const doings = doingsOf(commands, environments);
  return () => <Browser environments={environments} doings={doings} />;
}
