// A dashboard's variables, with the values that it has when it is opened.

/** The variables' values by name, of which queries take theirs. */
export async function chosen(dashboard, prometheus, range) {
  const values = {};
  for (const variable of dashboard.templating.list) {
    if (variable.type === 'datasource') {
      values[variable.name] = { shown: 'Prometheus', value: variable.query };
    } else if (variable.type === 'query' && variable.includeAll) {
      const found = await prometheus.labelValues(variable.definition, range);
      if (!found.length) {
        throw new Error(`the variable ${variable.name} has no values`);
      }
      values[variable.name] = { shown: variable.current.text, value: variable.allValue };
    } else {
      throw new Error(`no variable of type ${variable.type} is known`);
    }
  }
  return values;
}

/** The text with `$name` and `${name}` replaced; as in Grafana, others stay. */
export function filled(text, values) {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (whole, bare, braced) => values[bare ?? braced]?.value ?? whole,
  );
}

/** Grafana's own variables for a panel: the step of its queries, and an interval that holds four scrapes or more. */
export function intervals(intervalMs, scrapeSeconds) {
  const step = intervalMs / 1000;
  return {
    __interval: { value: `${step}s` },
    __rate_interval: { value: `${Math.max(step + scrapeSeconds, 4 * scrapeSeconds)}s` },
  };
}
