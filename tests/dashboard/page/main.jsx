// Draws the dashboard of `dashboard.json` from the Prometheus at `/api`. The address says which time to show:
// ?from=MILLISECONDS&to=MILLISECONDS&scrape=SECONDS
// `window.notes` has what became of each query, and `window.wanted` how many there are.

import './page.css';

import { createRoot } from 'react-dom/client';
import {
  ThemeContext,
  createTheme,
  dateTime,
  standardTransformers,
  standardTransformersRegistry,
} from '@grafana/data';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { Panel } from './panel';
import { Prometheus } from './prometheus';
import { chosen } from './variables';

// Grafana's grid: 24 columns, rows of 30 pixels, 8 between panels.
const [COLUMNS, ROW, GAP, EDGE] = [24, 30, 8, 16];

function placed({ x, y, w, h }, width) {
  const column = (width - GAP * (COLUMNS - 1)) / COLUMNS;
  return {
    left: x * (column + GAP),
    top: y * (ROW + GAP),
    width: w * column + (w - 1) * GAP,
    height: h * ROW + (h - 1) * GAP,
  };
}

function Top({ dashboard, range, values }) {
  const minutes = Math.round((range.to.valueOf() - range.from.valueOf()) / 60000);
  return (
    <div className="top">
      <span className="title">{dashboard.title}</span>
      {dashboard.templating.list.map(({ name, label }) => (
        <span className="variable" key={name}>
          <span>{label}</span>
          <b>{values[name].shown}</b>
        </span>
      ))}
      <span className="range">
        {minutes} minutes, {range.from.utc().format('HH:mm')} to {range.to.utc().format('HH:mm')} UTC
      </span>
    </div>
  );
}

function Dashboard({ dashboard, context }) {
  const width = window.innerWidth - 2 * EDGE;
  const places = dashboard.panels.map(({ gridPos }) => placed(gridPos, width));
  const height = Math.max(...places.map((place) => place.top + place.height));
  return (
    <div className="dashboard" style={{ margin: EDGE }}>
      <Top dashboard={dashboard} {...context} />
      <div className="grid" style={{ height }}>
        {dashboard.panels.map((panel, index) => (
          <div key={panel.id} className="place" style={places[index]}>
            <Panel
              panel={panel}
              context={context}
              width={places[index].width}
              height={places[index].height}
            />
          </div>
        ))}
      </div>
    </div>
  );
}

async function main() {
  const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one])); // some twice
  standardTransformersRegistry.setInit(() =>
    [...transformers.values()].map((one) => ({ id: one.id, name: one.name, transformation: () => one })),
  );
  const asked = new URLSearchParams(window.location.search);
  const [from, to] = ['from', 'to'].map((name) => dateTime(Number(asked.get(name))));
  const range = { from, to, raw: { from, to } };
  const prometheus = new Prometheus();
  const dashboard = await (await fetch('dashboard.json')).json();
  window.notes = [];
  window.wanted = dashboard.panels.flatMap(({ targets }) => targets).length;
  const context = {
    prometheus,
    range,
    values: await chosen(dashboard, prometheus, range),
    scrapeSeconds: Number(asked.get('scrape')),
    note: (one) => window.notes.push(one),
  };
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={createTheme({ colors: { mode: 'light' } })}>
      <GlobalStyles />
      <Dashboard dashboard={dashboard} context={context} />
      <PortalContainer />
    </ThemeContext.Provider>,
  );
}

main();
