/** What became of the file saved last. */

import type { JSX } from 'preact';
import { formatClock, formatDuration } from '../format';
import { t } from '../i18n';
import { Button, StateWord } from '../widget/components';
import { spotOf, type IReaction, type ISave, type ISpot } from './saves';

export function SaveNote(props: {
  save: ISave;
  /** Opens a file of the workspace at a line, where this page can. */
  onOpen?: ((spot: ISpot) => void) | undefined;
}): JSX.Element {
  const { save, onOpen } = props;
  const failed = save.services.find(({ state }) => state === 'failed');
  const look = failed
    ? 'bad'
    : save.services.some(({ state }) => state === 'restarting')
      ? 'info'
      : 'ok';
  const spot = failed ? spotOf(failed.reason) : null;
  return (
    <div class={`sd-note sd-note-${look} sd-save`} role="status">
      <div class="sd-save-line">
        <span>
          <span class="sd-code">{save.path}</span>{' '}
          {t('saved at {time}', { time: formatClock(save.at) })}
        </span>
        {save.services.map(reaction => (
          <span key={reaction.service} class="sd-save-step">
            <span aria-hidden="true">→</span>
            <span class="sd-service-name">{reaction.service}</span>
            <StateWord {...reactionWord(reaction)} />
          </span>
        ))}
      </div>
      {failed && (
        <div class="sd-save-line">
          <span class="sd-reason">{failed.reason}</span>
          {spot && onOpen && (
            <Button
              onClick={() => {
                onOpen(spot);
              }}
            >
              {t('Open line {line} of {file}', {
                line: spot.line,
                file: spot.path.split('/').at(-1) ?? spot.path
              })}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function reactionWord({ state, took }: IReaction): {
  look: 'ok' | 'busy' | 'bad';
  word: string;
} {
  switch (state) {
    case 'restarting':
      return { look: 'busy', word: t('Restarting') };
    case 'ready':
      return {
        look: 'ok',
        word:
          took === null
            ? t('Ready')
            : t('Ready after {time}', { time: formatDuration(took) })
      };
    case 'failed':
      return { look: 'bad', word: t('Does not start') };
  }
}
