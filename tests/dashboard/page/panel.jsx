// One panel: its queries asked, transformed and drawn as Grafana does.

import { useEffect, useState } from 'react';
import { lastValueFrom } from 'rxjs';
import {
  FieldType,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  rangeUtil,
  transformDataFrame,
} from '@grafana/data';
import { PanelChrome, TimeSeries, useTheme2 } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { fieldConfig } from './fields';
import { filled, intervals } from './variables';

function hasNumbers(frame) {
  return frame.fields.some(
    ({ type, values }) => type === FieldType.number && values.some((one) => one !== null),
  );
}

/** The frames of a panel with its field config applied. `note` hears of each query: how many series, or its error. */
async function frames(panel, { prometheus, range, values, scrapeSeconds, theme, note }, width) {
  const { intervalMs } = rangeUtil.calculateInterval(range, width, `${scrapeSeconds}s`);
  const all = { ...values, ...intervals(intervalMs, scrapeSeconds) };
  const found = [];
  for (const target of panel.targets) {
    const expr = filled(target.expr, all);
    try {
      const got = await prometheus.frames(target, expr, range, intervalMs);
      note({ panel: panel.title, expr, series: got.filter(hasNumbers).length });
      found.push(...got);
    } catch (error) {
      note({ panel: panel.title, expr, series: 0, error: error.message });
    }
  }
  const transformed = await lastValueFrom(
    transformDataFrame(panel.transformations ?? [], found, { interpolate: (text) => filled(text, all) }),
  );
  const overridden = applyFieldOverrides({
    ...fieldConfig(panel),
    data: transformed,
    replaceVariables: (text) => filled(text, all),
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(overridden);
  return overridden;
}

function Drawing({ panel, context, width, height }) {
  const [data, setData] = useState(null);
  useEffect(() => {
    frames(panel, context, width).then(setData);
  }, []);
  if (data === null) {
    return null;
  }
  if (!data.length) {
    return <div className="no-data">No data</div>;
  }
  if (panel.type === 'timeseries') {
    return (
      <TimeSeries
        frames={data}
        width={width}
        height={height}
        timeRange={context.range}
        timeZone="utc"
        legend={panel.options.legend}
      />
    );
  }
  if (panel.type === 'table') {
    return <TableNG data={data[0]} width={width} height={height} />;
  }
  throw new Error(`no panel of type ${panel.type} is known`);
}

export function Panel({ panel, context, width, height }) {
  const theme = useTheme2();
  return (
    <PanelChrome title={panel.title} description={panel.description} width={width} height={height}>
      {(innerWidth, innerHeight) => (
        <Drawing panel={panel} context={{ ...context, theme }} width={innerWidth} height={innerHeight} />
      )}
    </PanelChrome>
  );
}
