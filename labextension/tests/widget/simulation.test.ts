import { button, rest, show, type IShown } from '../browser';
import { CHOICE, ELECTION } from '../simulation/trace';
import { ScriptedTransport } from '../transport';

let shown: IShown;

const branch = (id: number, rest: object = {}): object => ({
  id,
  name: id === 0 ? 'As it was' : `change ${id}`,
  parent: id === 0 ? null : 0,
  at_us: id === 0 ? 0 : 3000,
  trace: ELECTION,
  ...rest
});

const words = (): string =>
  shown.el.querySelector('.sd-sim-words')?.textContent ?? '';
const spoken = (): string =>
  shown.el.querySelector('[role="status"]')?.textContent ?? '';
const labelled = (label: string): HTMLButtonElement => {
  const found = shown.el.querySelector<HTMLButtonElement>(
    `button[aria-label="${label}"]`
  );
  if (!found) {
    throw new Error(`no button ${label}`);
  }
  return found;
};
const choose = (value: string): void => {
  const select = shown.el.querySelector<HTMLSelectElement>(
    '.sd-sim-inspector select'
  );
  if (select) {
    select.value = value;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }
};

beforeEach(async () => {
  jest.useFakeTimers();
  shown = await show(
    'simulation',
    new ScriptedTransport(),
    { title: 'Raft' },
    { branches: [branch(0)] }
  );
});

afterEach(() => {
  shown.remove();
  jest.useRealTimers();
});

test('it opens at the start and does not tell how it ends', () => {
  expect(words()).toBe('The run begins.');
  expect(shown.el.textContent).not.toContain('Breaks');
  expect(shown.el.textContent).not.toContain('becomes leader');
});

test('steps are told, to the eye and to a screen reader', async () => {
  labelled('One step on').click();
  await rest();
  expect(words()).toContain('S1 votes for itself in term 1.');
  expect(spoken()).toBe(words());
  labelled('One step back').click();
  await rest();
  expect(words()).toBe('The run begins.');
});

test('at its end it says which rule breaks', async () => {
  labelled('To the end').click();
  await rest();
  expect(words()).toBe('Here it breaks: S2 votes twice.');
  expect(shown.el.textContent).toContain('Breaks: One vote');
  const moment = [...shown.el.querySelectorAll('.sd-sim-moment')].find(each =>
    each.textContent.includes('S1 becomes leader of term 1.')
  );
  (moment as HTMLButtonElement).click();
  await rest();
  expect(words()).toContain('S1 becomes leader of term 1.');
});

test('it plays, and stops at the end', async () => {
  button(shown.el, 'Play').click();
  await rest(40);
  expect(button(shown.el, 'Pause')).toBeDefined();
  await rest(2000);
  expect(words()).toContain('Here it breaks');
  expect(button(shown.el, 'Play')).toBeDefined();
});

test('a fault is asked for, and its branch is shown beside', async () => {
  const sent: unknown[] = [];
  shown.model.send = (content?: unknown): void => {
    sent.push(content);
  };
  labelled('One step on').click();
  await rest();
  choose('node:2');
  await rest();
  button(shown.el, 'Crash').click();
  await rest();
  expect(sent).toEqual([
    {
      branch: {
        of: 0,
        at_us: 1000,
        name: 'crash S2 for 300 ms',
        faults: [{ kind: 'crash', target: 2, lasts_us: 300_000 }]
      }
    }
  ]);
  expect(button(shown.el, 'Crash').getAttribute('aria-disabled')).toBe('true');
  shown.model.receive('snapshot', { branches: [branch(0), branch(1)] });
  await rest();
  expect(
    button(shown.el, 'change 1, from 3 ms').getAttribute('aria-pressed')
  ).toBe('true');
  expect(shown.el.querySelectorAll('.sd-sim-side canvas')).toHaveLength(2);
  button(shown.el, 'As it was').click();
  await rest();
  expect(shown.el.querySelectorAll('.sd-sim-side canvas')).toHaveLength(1);
});

test('a branch does not tell how it ends because its parent did', async () => {
  labelled('To the end').click();
  await rest();
  labelled('One step back').click();
  await rest();
  expect(shown.el.textContent).toContain('Breaks: One vote');
  shown.model.receive('snapshot', { branches: [branch(0), branch(1)] });
  await rest();
  expect(
    button(shown.el, 'change 1, from 3 ms').getAttribute('aria-pressed')
  ).toBe('true');
  expect(shown.el.textContent).not.toContain('Breaks');
  button(shown.el, 'As it was').click();
  await rest();
  expect(shown.el.textContent).toContain('Breaks: One vote');
});

test('a branch is not compared with a step it has not come to', async () => {
  labelled('To the end').click();
  await rest();
  button(shown.el, 'Compare with this step').click();
  labelled('One step back').click();
  await rest();
  const changes = (): string =>
    shown.el.querySelector('.sd-sim-changes')?.textContent ?? '';
  expect(changes()).toContain('From step 6 (6 ms) to step 7');
  shown.model.receive('snapshot', { branches: [branch(0), branch(1)] });
  await rest();
  expect(changes()).toContain('From step 6 (6 ms) to step 6');
});

test('a new branch is shown where an old one had to go for it', async () => {
  const eight = [0, 1, 2, 3, 4, 5, 6, 7].map(id => branch(id));
  shown.model.receive('snapshot', { branches: eight });
  await rest();
  shown.model.receive('snapshot', {
    branches: [...eight.filter((_, at) => at !== 1), branch(8)]
  });
  await rest();
  expect(
    button(shown.el, 'change 8, from 3 ms').getAttribute('aria-pressed')
  ).toBe('true');
});

test('a message in flight can be lost', async () => {
  const sent: unknown[] = [];
  shown.model.send = (content?: unknown): void => {
    sent.push(content);
  };
  labelled('One step on').click();
  await rest();
  choose('message:5');
  await rest();
  button(shown.el, 'Lose this message').click();
  await rest();
  expect(sent).toEqual([
    {
      branch: {
        of: 0,
        at_us: 1000,
        name: 'RequestVote S1 → S2 is lost',
        lose: [1, 2, 1]
      }
    }
  ]);
});

test('the keyboard stays with what takes its button away', async () => {
  const end = labelled('To the end');
  end.focus();
  end.click();
  await rest();
  expect(document.activeElement?.matches(':disabled')).toBe(false);
  expect(document.activeElement?.textContent).toBe('Play');

  choose('node:2');
  await rest();
  const crash = button(shown.el, 'Crash');
  crash.focus();
  crash.click();
  await rest();
  shown.model.receive('snapshot', { branches: [branch(0), branch(1)] });
  await rest();
  expect(shown.el.contains(document.activeElement)).toBe(true);
});

test('the keyboard stays beside the diagram when it shows no less time', async () => {
  const less = labelled('Show less time');
  less.focus();
  for (let press = 0; press < 3; press += 1) {
    less.click();
    await rest();
  }
  expect(less.disabled).toBe(true);
  expect(document.activeElement).toBe(labelled('Show more time'));
});

test('a refusal is read out, and a kernel that is silent is noticed', async () => {
  choose('node:1');
  await rest();
  button(shown.el, 'Freeze').click();
  await rest();
  shown.model.receive('snapshot', {
    branches: [branch(0)],
    problem: { message: 'there is no server 9' }
  });
  await rest();
  expect(shown.el.querySelector('[role="alert"]')?.textContent).toBe(
    'there is no server 9'
  );
  button(shown.el, 'Freeze').click();
  await rest(21_000);
  expect(shown.el.querySelector('[role="alert"]')?.textContent).toContain(
    'does not answer'
  );
});

test('what changed between two steps is a table', async () => {
  labelled('One step on').click();
  await rest();
  const rows = [...shown.el.querySelectorAll('.sd-sim-changes tbody tr')].map(
    row => [...row.children].map(each => each.textContent).join(' ')
  );
  expect(rows).toEqual([
    'S1 role follower candidate',
    'S1 term 0 1',
    'S1 voted_for none 1'
  ]);
});

test('Paxos shows its slots, and what its rules say in their own words', async () => {
  shown.remove();
  shown = await show(
    'simulation',
    new ScriptedTransport(),
    {},
    { branches: [branch(0, { trace: CHOICE })] }
  );
  labelled('One step on').click();
  await rest();
  expect(words()).toContain('S1 receives Prepare (view 3, digest d6c4420c)');
  expect(words()).toContain('S1 accepts red in ballot 2.1, slot 1.');
  const [first, second] = shown.el.querySelectorAll('.sd-sim-nodes tbody tr');
  expect(first?.textContent).toContain('promised 2.1');
  const cell = first?.querySelector('.sd-sim-cell');
  expect(cell?.textContent).toBe('red');
  expect(cell?.classList).toContain('sd-sim-committed');
  expect(second?.querySelector('.sd-sim-log')?.getAttribute('aria-label')).toBe(
    'nothing accepted'
  );
});

test('a recorded run cannot be changed, and nothing to show says so', async () => {
  shown.remove();
  shown = await show(
    'simulation',
    new ScriptedTransport(),
    { recorded: true },
    { branches: [branch(0)] }
  );
  expect(shown.el.querySelector('.sd-sim-inspector')).toBeNull();
  shown.remove();
  shown = await show(
    'simulation',
    new ScriptedTransport(),
    {},
    { branches: 3 }
  );
  expect(shown.el.textContent).toContain('There is no run to show.');
});
