// What a dashboard says of its fields, as Grafana's own overrides understand it.

import {
  FieldConfigOptionsRegistry,
  displayNameOverrideProcessor,
  identityOverrideProcessor,
  numberOverrideProcessor,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
} from '@grafana/data';

const STANDARD = {
  unit: unitOverrideProcessor,
  min: numberOverrideProcessor,
  max: numberOverrideProcessor,
  decimals: numberOverrideProcessor,
  displayName: displayNameOverrideProcessor,
  noValue: stringOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
  mappings: identityOverrideProcessor,
  color: identityOverrideProcessor,
};

// What Grafana's panel of time series takes where a dashboard says nothing.
const SERIES = {
  color: { mode: 'palette-classic' },
  custom: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    showPoints: 'auto',
    pointSize: 5,
    spanNulls: false,
    stacking: { mode: 'none', group: 'A' },
    axisPlacement: 'auto',
    scaleDistribution: { type: 'linear' },
  },
};

function item(id, process, isCustom) {
  const path = isCustom ? id.slice('custom.'.length) : id;
  return { id, path, name: id, isCustom, process, shouldApply: () => true, settings: {} };
}

/** The panel's field config with the defaults of its kind, and the registry of what is in it. */
export function fieldConfig(panel) {
  const { defaults, overrides } = panel.fieldConfig;
  const whole =
    panel.type === 'timeseries'
      ? { ...SERIES, ...defaults, custom: { ...SERIES.custom, ...defaults.custom } }
      : defaults;
  const custom = new Set(Object.keys(whole.custom ?? {}).map((key) => `custom.${key}`));
  for (const { id } of overrides.flatMap(({ properties }) => properties)) {
    if (id.startsWith('custom.')) {
      custom.add(id);
    }
  }
  const fieldConfigRegistry = new FieldConfigOptionsRegistry(() => [
    ...Object.entries(STANDARD).map(([id, process]) => item(id, process, false)),
    ...[...custom].map((id) => item(id, identityOverrideProcessor, true)),
  ]);
  return { fieldConfig: { defaults: whole, overrides }, fieldConfigRegistry };
}
