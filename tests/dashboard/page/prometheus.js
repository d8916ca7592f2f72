// Prometheus' HTTP API, its answers as Grafana's data frames.

import { FieldType, createDataFrame, renderLegendFormat } from '@grafana/data';

export class Prometheus {
  async ask(path, parameters) {
    const answer = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = await answer.json();
    if (body.status !== 'success') {
      throw new Error(`${body.errorType}: ${body.error}`);
    }
    return body.data;
  }

  /** The values that `label_values(metric, label)` stands for. */
  async labelValues(definition, range) {
    const [, metric, label] = /^label_values\((\w+),\s*(\w+)\)$/.exec(definition);
    const { start, end } = seconds(range);
    return this.ask(`label/${label}/values`, { 'match[]': metric, start, end });
  }

  /** A frame for each series of a range query, or one table for an instant query in that format. */
  async frames(target, expr, range, intervalMs) {
    const { start, end } = seconds(range);
    if (target.instant) {
      const { result } = await this.ask('query', { query: expr, time: end });
      return result.length ? [table(target, result)] : [];
    }
    const step = intervalMs / 1000;
    const { result } = await this.ask('query_range', {
      query: expr,
      start: Math.floor(start / step) * step, // as Grafana aligns them
      end: Math.floor(end / step) * step,
      step,
    });
    return result.map((one) => series(target, one, intervalMs));
  }
}

function seconds(range) {
  return { start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000 };
}

function number(text) {
  const value = Number(text.replace('Inf', 'Infinity'));
  return Number.isFinite(value) ? value : null;
}

function series(target, { metric, values }, intervalMs) {
  const { __name__: name, ...labels } = metric;
  return createDataFrame({
    refId: target.refId,
    fields: [
      {
        name: 'Time',
        type: FieldType.time,
        config: { interval: intervalMs },
        values: values.map(([time]) => time * 1000),
      },
      {
        name: 'Value',
        type: FieldType.number,
        labels,
        config: { displayNameFromDS: renderLegendFormat(target.legendFormat, metric) },
        values: values.map(([, value]) => number(value)),
      },
    ],
  });
}

function table(target, result) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: result.map(({ value }) => value[0] * 1000) },
      ...labels.map((label) => ({
        name: label,
        type: FieldType.string,
        config: {},
        values: result.map(({ metric }) => metric[label] ?? ''),
      })),
      {
        name: `Value #${target.refId}`,
        type: FieldType.number,
        config: {},
        values: result.map(({ value }) => number(value[1])),
      },
    ],
  });
}
