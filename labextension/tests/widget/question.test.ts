import { ApiError } from '../../src/api/problem';
import { page } from '../../src/connection/page';
import { button, rest, show, type, type IShown } from '../browser';
import { ScriptedTransport } from '../transport';

const PUT = 'PUT /v1/workspaces/w/answers/q';
const GET = 'GET /v1/workspaces/w';

let transport: ScriptedTransport;
let shown: IShown | undefined;

function detail(rest: Record<string, unknown> = {}): Record<string, unknown> {
  return { open_steps: ['diagnose'], answers: {}, ...rest };
}

function answered(rest: Record<string, unknown>): Record<string, unknown> {
  return {
    value: 1,
    answered_at: 1,
    skipped: false,
    correct: null,
    score: null,
    feedback: '',
    model_answer: null,
    attempts: 1,
    first_score: null,
    ...rest
  };
}

async function ask(
  question: Record<string, unknown>,
  snapshot: Record<string, unknown> = {}
): Promise<IShown> {
  shown = await show(
    'question',
    transport,
    {
      question: { id: 'q', step: 'diagnose', kind: 'comprehend', ...question }
    },
    snapshot
  );
  return shown;
}

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
  transport.answers.set(GET, detail());
});

afterEach(() => {
  shown?.remove();
  shown = undefined;
  jest.useRealTimers();
});

test('a number is sent, and its outcome shown and kept', async () => {
  transport.answers.set(
    PUT,
    answered({
      correct: true,
      score: 1,
      feedback: 'Yes.',
      model_answer: 'Ours.'
    })
  );
  const { el, model } = await ask({
    form: 'number',
    unit: 'ms',
    prompt: 'p95?'
  });
  type(el.querySelector('input'), '1,200');
  await rest();
  button(el, 'Answer').click();
  await rest();
  expect(transport.requests.at(-1)).toEqual({
    method: 'PUT',
    path: '/v1/workspaces/w/answers/q',
    body: { value: 1200 }
  });
  expect(el.textContent).toContain('Right');
  expect(el.textContent).toContain('Yes.');
  expect(el.textContent).toContain('Ours.');
  expect(model.saved.at(-1)).toMatchObject({ answer: { correct: true } });
});

test('what is missing is said, and nothing is sent', async () => {
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  const before = transport.requests.length;
  button(el, 'Answer').click();
  await rest();
  expect(el.textContent).toContain('Give a number.');
  expect(transport.requests).toHaveLength(before);
});

test('Enter answers', async () => {
  transport.answers.set(PUT, answered({ feedback: 'Kept.' }));
  const { el } = await ask({ form: 'text', prompt: 'Which?' });
  type(el.querySelector('input'), 'the index');
  await rest();
  el.querySelector('form')?.requestSubmit();
  await rest();
  expect(transport.requests.at(-1)?.body).toEqual({ value: 'the index' });
});

test('Enter answers where there are several fields, too', async () => {
  transport.answers.set(PUT, new Promise(() => 0));
  const { el } = await ask({ form: 'interval', prompt: 'Between?' });
  const [low, high] = el.querySelectorAll('input');
  type(low ?? null, '1');
  await rest();
  type(high ?? null, '2');
  await rest();
  // A browser submits such a form with its button, and not without.
  expect(button(el, 'Answer').type).toBe('submit');
  expect(button(el, 'Skip …').type).toBe('button');
  for (let times = 0; times < 2; times += 1) {
    button(el, 'Answer').click();
    await rest();
  }
  const puts = transport.requests.filter(({ method }) => method === 'PUT');
  expect(puts.map(({ body }) => body)).toEqual([
    { value: { low: 1, high: 2 } }
  ]);
});

test('Enter twice answers once, and not while something is asked', async () => {
  transport.answers.set(PUT, new Promise(() => 0));
  const { el } = await ask({ form: 'text', prompt: 'Which?' });
  type(el.querySelector('input'), 'the index');
  await rest();
  const form = el.querySelector('form');
  const puts = (): number =>
    transport.requests.filter(({ method }) => method === 'PUT').length;
  button(el, 'Skip …').click();
  await rest();
  form?.requestSubmit();
  await rest();
  expect(puts()).toBe(0);
  button(el, 'Cancel').click();
  await rest();
  form?.requestSubmit();
  await rest();
  form?.requestSubmit();
  await rest();
  expect(puts()).toBe(1);
});

test('what was judged stands beside its verdict, not what was typed since', async () => {
  const { el } = await ask(
    { form: 'number', prompt: 'p95?' },
    {
      answer: answered({ value: 5, correct: false, score: 0 }),
      draft: { text: '7', low: '', high: '', picked: [], claims: {} }
    }
  );
  const field = (): HTMLInputElement | null => el.querySelector('input');
  expect(field()?.value).toBe('5');
  button(el, 'Answer again').click();
  await rest();
  expect(field()?.value).toBe('7');
});

test('the keyboard goes to the outcome, and back to the form', async () => {
  transport.answers.set(PUT, answered({ correct: false, score: 0 }));
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  const field = el.querySelector('input');
  type(field, '5');
  await rest();
  for (const from of [button(el, 'Answer'), field]) {
    from?.focus();
    el.querySelector('form')?.requestSubmit();
    await rest();
    expect(document.activeElement).toBe(el.querySelector('.sd-outcome'));
    const again = button(el, 'Answer again');
    again.focus();
    again.click();
    await rest();
    expect(document.activeElement).toBe(field);
  }
});

test('an answer that comes from elsewhere does not take the keyboard', async () => {
  transport.answers.set(GET, detail({ answers: { q: answered({}) } }));
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  expect(el.querySelector('.sd-outcome')).not.toBeNull();
  expect(document.activeElement).toBe(document.body);
});

test('an answer that comes from elsewhere stands in its field', async () => {
  const kept = answered({ value: 42, correct: true });
  transport.answers.set(GET, detail({ answers: { q: kept } }));
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  expect(el.querySelector('input')?.value).toBe('42');
});

test('a refusal is shown in place with its hint, and the draft stays', async () => {
  transport.answers.set(
    PUT,
    new ApiError(
      'You have seen how this came out',
      'conflict',
      409,
      'It is kept.'
    )
  );
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  type(el.querySelector('input'), '5');
  await rest();
  button(el, 'Answer').click();
  await rest();
  expect(el.querySelector('[role=alert]')?.textContent).toBe(
    'You have seen how this came outIt is kept.'
  );
  expect(el.querySelector('input')?.value).toBe('5');
});

test('skipping asks first, Escape is no', async () => {
  transport.answers.set(PUT, answered({ skipped: true, value: null }));
  const { el } = await ask({ form: 'prose', min_words: 3, prompt: 'Why?' });
  button(el, 'Skip …').click();
  await rest();
  const dialog = el.querySelector('[role=alertdialog]');
  dialog?.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Escape', bubbles: true })
  );
  await rest();
  expect(el.querySelector('[role=alertdialog]')).toBeNull();
  button(el, 'Skip …').click();
  await rest();
  button(el, 'Skip it').click();
  await rest();
  expect(transport.requests.at(-1)?.body).toEqual({ skip: true });
  expect(el.textContent).toContain('Skipped');
  expect(button(el, 'Answer').disabled).toBe(false); // it can still be answered
});

test('after a skip the keyboard is at what can be done next', async () => {
  transport.answers.set(PUT, answered({ skipped: true, value: null }));
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  for (const answer of ['Cancel', 'Skip it']) {
    button(el, 'Skip …').focus();
    button(el, 'Skip …').click();
    await rest();
    button(el, answer).click();
    await rest();
    expect(document.activeElement).toBe(button(el, 'Answer'));
  }
});

test('a closed step says so and takes no answer', async () => {
  transport.answers.set(GET, detail({ open_steps: ['symptoms'] }));
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  expect(el.textContent).toContain('This step opens when');
  expect(el.querySelector('input')?.disabled).toBe(true);
  expect(() => button(el, 'Answer')).toThrow();
});

test('the answer to another question of the page opens the step', async () => {
  const first = await ask({ id: 'p', form: 'number', prompt: 'How many?' });
  const closed = { open_steps: ['diagnose'], answers: { o: answered({}) } };
  transport.answers.set(GET, detail(closed));
  const second = await ask(
    { step: 'fix', form: 'number', prompt: 'p95?' },
    { first: ['o', 'p'] }
  );
  expect(second.el.textContent).toContain('answered or skipped: p.');
  transport.answers.set(
    GET,
    detail({ open_steps: ['diagnose', 'fix'], answers: { p: answered({}) } })
  );
  transport.answers.set(
    'PUT /v1/workspaces/w/answers/p',
    answered({ skipped: true, value: null })
  );
  button(first.el, 'Skip …').click();
  await rest();
  button(first.el, 'Skip it').click();
  await rest();
  expect(second.el.textContent).not.toContain('This step opens when');
  expect(second.el.querySelector('input')?.disabled).toBe(false);
  expect(button(second.el, 'Answer').disabled).toBe(false);
  first.remove();
});

test('an answer given elsewhere is shown', async () => {
  transport.answers.set(
    GET,
    detail({ answers: { q: answered({ correct: false, score: 0 }) } })
  );
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  expect(el.textContent).toContain('Not quite');
  button(el, 'Answer again').click();
  await rest();
  expect(el.querySelector('input')?.disabled).toBe(false);
});

test('a look from before the answer was given takes nothing of it back', async () => {
  let late: (found: unknown) => void = () => undefined;
  transport.answers.set(GET, new Promise(resolve => (late = resolve)));
  transport.answers.set(PUT, answered({ value: 7, correct: true }));
  const { el, model } = await ask({ form: 'number', prompt: 'p95?' });
  type(el.querySelector('input'), '7');
  await rest();
  button(el, 'Answer').click();
  await rest();
  expect(el.textContent).toContain('Right');
  late(detail({ answers: { q: answered({ value: 5, correct: false }) } }));
  await rest();
  expect(el.textContent).toContain('Right');
  expect(el.querySelector('input')?.value).toBe('7');
  expect(model.saved.at(-1)).toMatchObject({ answer: { value: 7 } });
});

test('a look is taken in though a newer one finds nobody', async () => {
  const { el } = await ask({ form: 'number', prompt: 'p95?' });
  let late: (found: unknown) => void = () => undefined;
  transport.answers.set(GET, new Promise(resolve => (late = resolve)));
  page().answers.dispatchEvent(new CustomEvent('w', { detail: 'one' }));
  await rest();
  transport.answers.set(GET, Promise.reject(new Error('gone')));
  page().answers.dispatchEvent(new CustomEvent('w', { detail: 'another' }));
  await rest();
  late(detail({ answers: { q: answered({ value: 7, correct: true }) } }));
  await rest();
  expect(el.textContent).toContain('Right');
});

test('a draft is kept a moment after typing, and comes back', async () => {
  const { el, model, remove } = await ask({ form: 'text', prompt: 'Which?' });
  type(el.querySelector('input'), 'half a thou');
  await rest(700);
  expect(model.saved.at(-1)).toMatchObject({ draft: { text: 'half a thou' } });
  remove();
  const again = await ask(
    { form: 'text', prompt: 'Which?' },
    { draft: { text: 'half a thou', low: '', high: '', picked: [] } }
  );
  expect(again.el.querySelector('input')?.value).toBe('half a thou');
});

test('what was typed just before its cell closes is kept, too', async () => {
  const { el, model, remove } = await ask({ form: 'text', prompt: 'Which?' });
  type(el.querySelector('input'), 'half a thou');
  await rest(100);
  remove();
  expect(model.saved).toMatchObject([{ draft: { text: 'half a thou' } }]);
  await rest(700);
  expect(model.saved).toHaveLength(1);
});

test('a question nobody typed into keeps nothing when its cell closes', async () => {
  transport.answers.set(GET, detail({ answers: { q: answered({}) } }));
  const { model, remove } = await ask(
    { form: 'number', prompt: 'p95?' },
    { answer: answered({}) }
  );
  remove();
  expect(model.saved).toEqual([]);
});

test('a prediction is decided when its run is done', async () => {
  transport.answers.set('GET /v1/environments/w', { id: 'w', last_seq: 3 });
  transport.answers.set(
    GET,
    detail({
      answers: { q: answered({ feedback: 'Your prediction is kept.' }) }
    })
  );
  const { el, model } = await ask({
    kind: 'predict',
    form: 'number',
    prompt: 'p95?'
  });
  expect(el.textContent).toContain('Kept');
  transport.answers.set(
    GET,
    detail({ answers: { q: answered({ score: 0.75, feedback: 'It was 9.' }) } })
  );
  transport.stream.opened();
  transport.stream.events([
    { seq: 4, ts: 1, type: 'run.done', data: { id: 'r' } as never }
  ]);
  await rest();
  expect(el.textContent).toContain('75% close');
  expect(el.textContent).toContain('It was 9.');
  // The notebook has it too, and what else is kept there takes nothing of it back.
  expect(model.saved).toMatchObject([
    { answer: { score: null } },
    { answer: { score: 0.75 } }
  ]);
  model.receive('snapshot', { ...model.saved.at(-1), draft: { text: '8' } });
  await rest();
  expect(el.textContent).toContain('75% close');
});

test('a notebook that has the answer is not written to', async () => {
  const kept = answered({ value: { held: 45, sure: [1, 2] }, score: 1 });
  transport.answers.set(GET, detail({ answers: { q: kept } }));
  const sorted = Object.fromEntries(Object.entries(kept).sort());
  const { model } = await ask(
    { form: 'number', prompt: 'How many?' },
    { answer: { ...sorted, value: { sure: [1, 2], held: 45 } } }
  );
  await rest();
  expect(model.saved).toEqual([]);
});

test('evidence is picked among what the system printed', async () => {
  transport.answers.set(PUT, answered({ correct: true, score: 1 }));
  const { el } = await ask({
    kind: 'evidence',
    form: 'choices',
    pick: 2,
    claim: 'Rows are **thrown away**.',
    options: [
      { id: 'scan', source: 'plan', text: '```\nSeq Scan\n  Filter: x\n```' },
      { id: 'log', source: 'log', text: 'duration: 1204 ms' },
      { id: 'cpu', source: 'metric', text: '`db.cpu_cores` at 0.4' }
    ]
  });
  expect(el.querySelector('.sd-pre')?.textContent).toBe(
    'Seq Scan\n  Filter: x'
  );
  const boxes = [...el.querySelectorAll<HTMLInputElement>('[type=checkbox]')];
  boxes[2]?.click();
  await rest();
  boxes[0]?.click();
  await rest();
  button(el, 'Answer').click();
  await rest();
  expect(transport.requests.at(-1)?.body).toEqual({ value: ['scan', 'cpu'] });
});

test('two questions of a page share no id', async () => {
  const form = { form: 'choice', options: [{ id: 'a', text: 'A' }] };
  const first = await ask(form);
  const second = await ask(form);
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(ids.length);
  first.remove();
  second.remove();
});
