import { CommandRegistry } from '@lumino/commands';
import { render } from 'preact';
import { Api } from '../../src/api/client';
import { ApiError, unreachable } from '../../src/api/problem';
import type { EnvironmentStatus } from '../../src/api/types';
import { CommandIDs } from '../../src/commands';
import { hubOf } from '../../src/connection/choose';
import type { EventHub } from '../../src/connection/hub';
import { Browser } from '../../src/curriculum/Browser';
import { doingsOf } from '../../src/curriculum/doings';
import { EnvironmentRegistry } from '../../src/environments/registry';
import { button, clickAgain, rest, type } from '../browser';
import { ScriptedTransport } from '../transport';

const LESSONS = [
  {
    id: 't1-01-a',
    title: 'Diagnosing failures',
    track: 1,
    tier: 'crawling',
    minutes: 60,
    concepts: ['latency'],
    summary: 'A feed that fails.',
    has_services: true
  },
  {
    id: 't1-02-b',
    title: 'Indexes',
    track: 1,
    tier: 'crawling',
    minutes: 75,
    concepts: ['index'],
    summary: 'A shop that is slow.',
    has_services: true
  }
];
const WORKSPACE = {
  id: 'b-1',
  lesson: 't1-02-b',
  path: 'sysdesign/t1-02-b',
  folder: '/home/ann/sysdesign/t1-02-b',
  notebook: 'lesson.ipynb',
  files: ['app/server.py', 'compose.yaml'],
  editable: ['app/*'],
  answers: {},
  questions_total: 4,
  checks_total: 2,
  checks_passed: 1,
  finished: false,
  notices: [] as string[]
};
const RUNNING = {
  id: 'b-1',
  lesson: 't1-02-b',
  state: 'ready',
  services: [
    { name: 'db', kind: 'postgres' },
    { name: 'app', kind: 'python' },
    { name: 'cache', kind: 'valkey' }
  ]
} as EnvironmentStatus;
const QUIETLY = '?no_track_activity=1';

class Page {
  readonly transport = new ScriptedTransport();
  readonly commands = new CommandRegistry();
  readonly executed: [string, unknown][] = [];
  readonly list: EnvironmentRegistry;
  readonly el = document.createElement('div');

  constructor() {
    this.answer('lessons', LESSONS);
    this.answer('workspaces', [WORKSPACE]);
    this.answer('environments', [RUNNING]);
    this.answer('machine', null);
    for (const id of [CommandIDs.openFile, CommandIDs.newTerminal]) {
      this.commands.addCommand(id, {
        describedBy: { args: {} },
        execute: args => this.executed.push([id, args])
      });
    }
    const hubs = new Map<string, EventHub>();
    this.list = new EnvironmentRegistry({
      api: new Api(this.transport),
      hub: id => hubOf(hubs, id, this.transport),
      startOptions: () => ({})
    });
    this.list.changed.connect(() => {
      this.draw();
    });
    document.body.append(this.el);
  }

  answer(what: string, value: unknown): void {
    this.transport.answers.set(`GET /v1/${what}${QUIETLY}`, value);
  }

  draw(): void {
    render(
      <Browser
        environments={this.list}
        doings={doingsOf(this.commands, this.list)}
      />,
      this.el
    );
  }

  async begin(): Promise<void> {
    this.draw();
    this.list.begin();
    this.list.watch();
    await rest();
  }

  get text(): string {
    return this.el.textContent;
  }

  get lines(): HTMLElement[] {
    return [...this.el.querySelectorAll<HTMLElement>('[role="treeitem"]')];
  }

  close(): void {
    render(null, this.el);
    this.el.remove();
    this.list.dispose();
  }
}

let page: Page;

beforeEach(() => {
  jest.useFakeTimers();
  page = new Page();
});

afterEach(() => {
  page.close();
  jest.useRealTimers();
});

test('shows lessons with how far one is, and the one to go on with', async () => {
  await page.begin();
  expect(page.lines.map(line => line.getAttribute('aria-label'))).toEqual([
    'Track 1, 2 lessons',
    'Crawling, 2 lessons',
    'Diagnosing failures, 60 minutes, Not started',
    'Indexes, 75 minutes, next, In progress, 0 of 4 answered, 1 of 2 checks passed, environment: Ready'
  ]);
  expect(page.el.querySelector('h2')?.textContent).toBe('Indexes');
  expect(page.text).toContain('A shop that is slow.');
  expect(page.lines.filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1);
});

test('opens notebook and files where the file browser has them', async () => {
  await page.begin();
  button(page.el, 'Continue').click();
  await rest();
  button(page.el, 'app/server.py').click();
  await rest();
  expect(page.executed).toEqual([
    [CommandIDs.openFile, { path: 'sysdesign/t1-02-b/lesson.ipynb' }],
    [CommandIDs.openFile, { path: 'sysdesign/t1-02-b/app/server.py' }]
  ]);
  expect(page.text).not.toContain('compose.yaml');
});

test('offers a terminal for each database and cache', async () => {
  await page.begin();
  const terminals = [...page.el.querySelectorAll('button')]
    .map(each => each.textContent)
    .filter(text => text.startsWith('Terminal'));
  expect(terminals).toEqual(['Terminal: db', 'Terminal: cache']);
});

test('where nothing runs, nothing is offered but the notebook', async () => {
  page.answer('lessons', [
    { ...LESSONS[0], title: 'Raft', has_services: false },
    LESSONS[1]
  ]);
  await page.begin();
  page.lines[2]?.click();
  await rest();
  const offered = [...page.el.querySelectorAll('.sd-details .sd-button')];
  expect(offered.map(each => each.textContent)).toEqual(['Start lesson']);
  expect(page.text).toContain('nothing to start');
});

test('what goes wrong with opening a lesson is said beside its button', async () => {
  await page.begin();
  page.transport.answers.set(
    'POST /v1/workspaces',
    new ApiError('The disk is full', 'no_room', 507, 'Make room.')
  );
  page.lines[2]?.click();
  await rest();
  button(page.el, 'Start lesson').click();
  await rest();
  const alert = page.el.querySelector('.sd-details [role="alert"]');
  expect(alert?.textContent).toBe('The disk is fullMake room.');
});

test('a lesson shows nothing of what goes on with another one', async () => {
  await page.begin();
  let fail: (error: unknown) => void = () => undefined;
  page.transport.answers.set(
    'POST /v1/workspaces',
    new Promise((_, reject) => {
      fail = reject;
    })
  );
  page.lines[2]?.click();
  await rest();
  button(page.el, 'Start lesson').click();
  await rest();
  const opens = (name: string): string | null =>
    button(page.el, name).getAttribute('aria-disabled');
  expect(opens('Start lesson')).toBe('true');
  page.lines[3]?.click();
  await rest();
  expect(opens('Continue')).toBe('false');
  fail(new ApiError('The disk is full', 'no_room', 507));
  await rest();
  expect(page.text).not.toContain('The disk is full');
  page.lines[2]?.click();
  await rest();
  expect(page.text).toContain('The disk is full');
  expect(opens('Start lesson')).toBe('false');
});

test('the second click of a double click does not stop the environment', async () => {
  await page.begin();
  clickAgain(button(page.el, 'Stop'));
  await rest();
  expect(page.transport.requests.every(({ method }) => method === 'GET')).toBe(
    true
  );
});

test('a search finds lessons in closed branches, too', async () => {
  await page.begin();
  page.lines[0]?.click();
  await rest();
  expect(page.lines).toHaveLength(1);
  const field = page.el.querySelector<HTMLInputElement>('[type="search"]');
  if (field) {
    field.value = 'feed';
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  await rest();
  expect(page.lines.at(-1)?.textContent).toContain('Diagnosing failures');
  expect(page.text).toContain('1 lesson found');
});

test('who shows all again goes on in the search that found nothing', async () => {
  await page.begin();
  const field = page.el.querySelector<HTMLInputElement>('[type="search"]');
  type(field, 'nothing of the kind');
  await rest();
  button(page.el, 'Show all').focus();
  button(page.el, 'Show all').click();
  await rest();
  expect(page.lines).toHaveLength(4);
  expect(field?.value).toBe('');
  expect(document.activeElement).toBe(field);
});

test('what is to be told of the answers of a lesson stands with it', async () => {
  const notice = 'answers.json cannot be read; the next answer puts it aside.';
  page.answer('workspaces', [{ ...WORKSPACE, notices: [notice] }]);
  await page.begin();
  expect(page.text).toContain(notice);
});

test('keeps what is known while nobody answers, says so, and says when it is over', async () => {
  await page.begin();
  page.answer('environments', unreachable());
  await rest(5000);
  expect(page.text).toContain('The Jupyter server does not answer.');
  expect(page.lines).toHaveLength(4);
  page.answer('environments', []);
  button(page.el, 'Try now').click();
  await rest();
  expect(page.text).toContain('Connected again.');
  expect(page.lines.at(-1)?.getAttribute('aria-label')).not.toContain('Ready');
  await rest(5000);
  expect(page.text).not.toContain('Connected again.');
});

test.each([
  ['Try now', unreachable()],
  ['Try again', new ApiError('Refused (403).', 'forbidden', 403)]
])(
  'who asked to "%s" keeps the keyboard when it works',
  async (name, problem) => {
    await page.begin();
    page.answer('environments', problem);
    await rest(5000);
    page.answer('environments', []);
    button(page.el, name).focus();
    button(page.el, name).click();
    await rest();
    expect(document.activeElement?.textContent).toBe('Connected again.');
  }
);

test('what will not mend itself is said with what to do', async () => {
  page.answer(
    'environments',
    new ApiError('Refused (403).', 'forbidden', 403, 'Log in again.')
  );
  await page.begin();
  expect(page.el.querySelector('[role="alert"]')?.textContent).toContain(
    'Log in again.'
  );
  expect(page.text).not.toContain('Looking for lessons');
});
