/**
 * The Markdown that lessons use in prompts and answers: paragraphs, lists, code, emphasis, links.
 *
 * It makes elements, never HTML text, so that nothing in it can run.
 */

import type { ComponentChildren, JSX } from 'preact';

export function Markdown({ text }: { text: string }): JSX.Element {
  return <div class="sd-markdown">{blocks(text)}</div>;
}

/** A line of Markdown without a block around it. */
export function Inline({ text }: { text: string }): JSX.Element {
  return <>{spans(text)}</>;
}

function blocks(text: string): JSX.Element[] {
  const made: JSX.Element[] = [];
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  let index = 0;
  const take = (matches: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    for (
      let line = lines[index];
      line !== undefined && matches(line);
      line = lines[index]
    ) {
      taken.push(line);
      index += 1;
    }
    return taken;
  };
  while (index < lines.length) {
    const line = lines[index] ?? '';
    const key = index;
    if (line.trim() === '') {
      index += 1;
    } else if (isFence(line)) {
      index += 1;
      const code = take(each => !isFence(each));
      index += 1;
      made.push(
        <pre key={key} class="sd-pre">
          {code.join('\n')}
        </pre>
      );
    } else if (isBullet(line)) {
      made.push(<ul key={key}>{items(take(isItem), BULLET)}</ul>);
    } else if (isNumbered(line)) {
      made.push(<ol key={key}>{items(take(isItem), NUMBERED)}</ol>);
    } else {
      const paragraph = take(
        each =>
          each.trim() !== '' &&
          !isFence(each) &&
          !isBullet(each) &&
          !isNumbered(each)
      );
      made.push(<p key={key}>{spans(paragraph.join('\n'))}</p>);
    }
  }
  return made;
}

const BULLET = /^\s*[-*] +/;
const NUMBERED = /^\s*\d+[.)] +/;
const isFence = (line: string): boolean => /^\s*```/.test(line);
const isBullet = (line: string): boolean => BULLET.test(line);
const isNumbered = (line: string): boolean => NUMBERED.test(line);
// A list goes on with indented lines.
const isItem = (line: string): boolean =>
  isBullet(line) || isNumbered(line) || /^\s{2,}\S/.test(line);

function items(lines: readonly string[], marker: RegExp): JSX.Element[] {
  const texts: string[] = [];
  for (const line of lines) {
    if (marker.test(line)) {
      texts.push(line.replace(marker, ''));
    } else {
      texts.push(`${texts.pop() ?? ''}\n${line.trim()}`);
    }
  }
  return texts.map((text, index) => <li key={index}>{spans(text)}</li>);
}

const SPAN =
  /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\b_([^_\s][^_]*)_\b|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g;

function spans(text: string): ComponentChildren[] {
  const made: ComponentChildren[] = [];
  let from = 0;
  for (const match of text.matchAll(SPAN)) {
    made.push(text.slice(from, match.index));
    const [whole, code, strong, starred, underlined, label, href] = match;
    if (code !== undefined) {
      made.push(<code>{code}</code>);
    } else if (strong !== undefined) {
      made.push(<strong>{spans(strong)}</strong>);
    } else if (label !== undefined) {
      made.push(
        <a href={href} target="_blank" rel="noopener noreferrer">
          {label}
        </a>
      );
    } else {
      made.push(<em>{spans(starred ?? underlined ?? '')}</em>);
    }
    from = match.index + whole.length;
  }
  made.push(text.slice(from));
  return made;
}
