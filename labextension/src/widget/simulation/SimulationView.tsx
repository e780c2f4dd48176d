/** A run of a protocol: play it, rewind it, and ask what would have been. */

import type { JSX } from 'preact';
import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState
} from 'preact/hooks';
import { isRecord, isString } from '../../api/guards';
import { t } from '../../i18n';
import { Button, Note, StateWord } from '../components';
import {
  useKeyboardKept,
  useRedraw,
  useVisible,
  type IViewProps
} from '../hooks';
import { readBranches, type IBranch, type IBranchRequest } from './branch';
import { Changes } from './Changes';
import { Controls } from './Controls';
import { Diagram, spanOf, USUAL_ZOOM } from './Diagram';
import { htmlFile, save, svgFile } from './export';
import { readInk } from './ink';
import { Inspector } from './Inspector';
import { layOut, targetAt, type Target } from './layout';
import { NodesTable } from './NodesTable';
import { Frames, Picture } from './Picture';
import { Player } from './player';
import { formatTime } from './spacetime';
import { drawStage } from './stage';
import { Spoken, Story } from './Story';
import type { Timeline } from './timeline';
import { asNumber } from './trace';
import { isNotable, narrate } from './words';

const STAGE_HEIGHT = 290;
/** Text is written anew at most so often while time passes; pictures follow every frame. */
const TEXT_MS = 120;
/** How long the kernel may take to play a branch. */
const PATIENCE_MS = 20_000;

export function SimulationView({ model }: IViewProps): JSX.Element {
  const { raw } = model.props;
  const root = useRef<HTMLDivElement>(null);
  // What was asked for takes the button that asked away, and its branch is shown.
  useKeyboardKept(root, () =>
    root.current?.querySelector<HTMLElement>('.sd-sim-inspector select')
  );
  const visible = useVisible(root);
  const known = useRef<IBranch[]>([]);
  const read = (): IBranch[] =>
    (known.current = readBranches(model.snapshot('branches'), known.current));
  const [branches, setBranches] = useState(read);
  const [shown, setShown] = useState(() => branches.at(-1)?.id ?? 0);
  const [chosen, setChosen] = useState<Target | null>(null);
  const [zoom, setZoom] = useState(USUAL_ZOOM);
  const [mark, setMark] = useState(0);
  const [waiting, setWaiting] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const redraw = useRedraw();
  const frames = useMemo(() => new Frames(), []);
  const branch = branches.find(({ id }) => id === shown) ?? branches[0];
  const player = useMemo(() => {
    const made = branch ? new Player(branch.timeline) : null;
    made?.seek(asNumber(raw['start_us']));
    return made;
  }, [branch !== undefined]);

  useEffect(
    () =>
      model.onSnapshot(() => {
        const before = known.current.at(-1);
        const now = read();
        setBranches(now);
        setWaiting(false);
        const said = model.snapshot('problem');
        setProblem(
          isRecord(said) && isString(said['message']) ? said['message'] : null
        );
        const newest = now.at(-1);
        // Not by their number: where there are many, the oldest goes.
        if (newest && before && newest.id > before.id) {
          setShown(newest.id);
          setChosen(null);
        }
      }),
    [model]
  );
  useEffect(() => {
    if (!waiting) {
      return;
    }
    const timer = setTimeout(() => {
      setWaiting(false);
      setProblem(
        t('The kernel does not answer. It may be busy with a cell, or stopped.')
      );
    }, PATIENCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [waiting]);
  // Before anything is painted: how far one has come in another run tells how this one ends.
  useLayoutEffect(() => {
    if (player && branch) {
      player.show(branch.timeline, branch.at);
      setMark(each => Math.min(each, player.step));
      redraw();
    }
  }, [branch?.id]);

  const direction = player?.direction ?? 0;
  useEffect(() => {
    if (!player || direction === 0 || !visible) {
      return;
    }
    let frame = 0;
    let last = performance.now();
    let written = last;
    const tick = (now: number): void => {
      player.advance(now - last);
      last = now;
      frames.draw();
      if (now - written >= TEXT_MS || player.direction === 0) {
        written = now;
        redraw();
      }
      if (player.direction !== 0) {
        frame = requestAnimationFrame(tick);
      }
    };
    frame = requestAnimationFrame(tick);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [player, direction, visible]);

  if (!branch || !player) {
    return (
      <div ref={root} class="sd-card sd-sim">
        <Note look="warn">{t('There is no run to show.')}</Note>
      </div>
    );
  }
  const { timeline } = branch;
  const parent = branches.find(({ id }) => id === branch.parent);
  const reveal = raw['reveal'] === true;
  const seen = reveal ? timeline.end : player.seen;
  const span = spanOf(zoom, player.time, timeline);
  const step = timeline.step(player.step);
  const words = narrate(timeline, step);
  const notable = timeline.steps.filter(
    each => each.t <= seen && isNotable(each)
  );
  const title = model.props.title || t('Simulation');
  const onMove = (move: (player: Player) => void): void => {
    move(player);
    redraw();
  };
  const ask = (
    change: Pick<IBranchRequest, 'name' | 'lose' | 'faults'>
  ): void => {
    player.pause();
    setWaiting(true);
    setProblem(null);
    const request: IBranchRequest = {
      of: branch.id,
      at_us: Math.ceil(player.time),
      ...change
    };
    model.send({ branch: request });
  };
  const file = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const saveSvg = (): void => {
    if (root.current) {
      const view = { time: player.time, step: player.step, seen, span };
      const ink = readInk(root.current);
      save(
        `${file}.svg`,
        'image/svg+xml',
        svgFile(ink, timeline, view, title, words)
      );
    }
  };
  const { source } = model;
  const stages: readonly IBranch[] = parent ? [parent, branch] : [branch];
  return (
    <div ref={root} class="sd-card sd-sim">
      <div class="sd-head">
        <span class="sd-title">{title}</span>
        {isString(raw['subtitle']) && (
          <span class="sd-sub">{raw['subtitle']}</span>
        )}
        <Outcome timeline={timeline} told={seen >= timeline.end} />
        <span class="sd-actions">
          <Button label={t('Save as SVG')} onClick={saveSvg}>
            {t('SVG')}
          </Button>
          {source && (
            <Button
              label={t('Save as a page that plays by itself')}
              onClick={() => {
                const kept = branches.map(
                  ({ id, name, parent: from, at, trace }) => ({
                    id,
                    name,
                    parent: from,
                    at_us: at,
                    trace
                  })
                );
                save(
                  `${file}.html`,
                  'text/html',
                  htmlFile(
                    source,
                    title,
                    { ...raw, recorded: true },
                    { branches: kept }
                  )
                );
              }}
            >
              {t('HTML')}
            </Button>
          )}
        </span>
      </div>
      {branches.length > 1 && (
        <Branches branches={branches} shown={branch.id} onShow={setShown} />
      )}
      <div class={`sd-sim-top ${parent ? 'sd-sim-beside' : ''}`}>
        {stages.map(each => (
          <div key={each.id} class="sd-sim-side">
            {parent && <div class="sd-sim-name">{each.name}</div>}
            <Picture
              frames={frames}
              height={STAGE_HEIGHT}
              label={t('The servers and the messages between them')}
              draw={(pen, ink, width) => {
                const own = each === branch;
                drawStage(
                  pen,
                  ink,
                  layOut(each.timeline.nodes, width, STAGE_HEIGHT),
                  each.timeline,
                  each.timeline.step(
                    own ? player.step : each.timeline.stepAt(player.time)
                  ),
                  player.time,
                  own ? chosen : null
                );
              }}
              {...(each === branch && {
                onPoint: (at, width) => {
                  setChosen(
                    targetAt(
                      layOut(timeline.nodes, width, STAGE_HEIGHT),
                      timeline.inFlight(player.time),
                      at
                    )
                  );
                }
              })}
            />
            {parent && (
              <NodesTable
                timeline={each.timeline}
                step={
                  each === branch
                    ? player.step
                    : each.timeline.stepAt(player.time)
                }
              />
            )}
          </div>
        ))}
        {!parent && (
          <div class="sd-sim-side">
            <NodesTable timeline={timeline} step={player.step} />
            <Story
              steps={notable}
              now={player.step}
              onGo={at => {
                onMove(each => {
                  each.goTo(at);
                });
              }}
            />
          </div>
        )}
      </div>
      <Controls
        player={player}
        timeline={timeline}
        notable={notable}
        onMove={onMove}
      />
      <p class="sd-sim-words">{words || t('Time passes.')}</p>
      <Spoken
        direction={direction}
        words={words}
        notable={notable}
        step={step}
      />
      <Diagram
        frames={frames}
        player={player}
        timeline={timeline}
        reveal={reveal}
        zoom={zoom}
        onZoom={setZoom}
        chosen={chosen}
        onMove={onMove}
      />
      {raw['recorded'] !== true && (
        <Inspector
          timeline={timeline}
          time={player.time}
          chosen={chosen}
          busy={waiting}
          onChoose={setChosen}
          onChange={ask}
        />
      )}
      {problem && (
        <Note look="bad" alert>
          {problem}
        </Note>
      )}
      <details class="sd-sim-compare">
        <summary>{t('What changed')}</summary>
        <div class="sd-actions sd-actions-left">
          <Button
            onClick={() => {
              setMark(player.step);
            }}
          >
            {t('Compare with this step')}
          </Button>
        </div>
        <Changes
          timeline={timeline}
          before={Math.min(mark, player.step)}
          after={Math.max(mark, player.step)}
        />
      </details>
      {parent && (
        <Story
          steps={notable}
          now={player.step}
          onGo={at => {
            onMove(each => {
              each.goTo(at);
            });
          }}
        />
      )}
    </div>
  );
}

/** What the run came to, once that is no secret. */
function Outcome(props: {
  timeline: Timeline;
  told: boolean;
}): JSX.Element | null {
  const { timeline, told } = props;
  if (!told || timeline.status === 'unknown') {
    return null;
  }
  return timeline.violation ? (
    <StateWord
      look="bad"
      word={t('Breaks: {rule}', { rule: timeline.violation.title })}
    />
  ) : (
    <StateWord look="ok" word={t('No rule broken')} />
  );
}

function Branches(props: {
  branches: readonly IBranch[];
  shown: number;
  onShow: (id: number) => void;
}): JSX.Element {
  return (
    <div class="sd-sim-branches" role="group" aria-label={t('Branches')}>
      {props.branches.map(({ id, name, parent, at }) => (
        <Button
          key={id}
          pressed={id === props.shown}
          onClick={() => {
            props.onShow(id);
          }}
        >
          {parent === null
            ? name
            : t('{name}, from {time}', { name, time: formatTime(at) })}
        </Button>
      ))}
    </div>
  );
}
