// Draws the charts of the history page with uPlot. The page contains their data
// (cages/drawing/charts.py), with texts in the language of the page.
(() => {
  "use strict";

  const HEIGHT = 224;
  // Above the plot.
  const FRAME = 16;
  const FONT = "12px system-ui, sans-serif";
  const DAY_SECONDS = 86400;
  const MONTH_SECONDS = 28 * DAY_SECONDS;
  const SHOWS_POINTS_BELOW = 60;
  const COLOURS = {
    perfect: "perfect",
    ok: "ok",
    bad: "bad",
    off: "quiet",
    p50: "perfect",
    p95: "late",
    max: "bad",
  };
  // Lighter is better, as in the strips.
  const OPACITIES = { perfect: 0.55, ok: 0.8, bad: 1 };

  // The colours of palette.css are registered properties, so this is a colour in every theme.
  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--nc-${name}`);

  // "2026-03-02 03:00" in the facility's zone: dates in Swedish are written as in ISO 8601.
  // "2026-10-25 02:00 CEST" where the clock shows this time twice.
  function clock({ zone, doubled }) {
    const format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone,
      dateStyle: "short",
      timeStyle: "short",
    });
    return (seconds) => {
      const span = doubled.find(([start, end]) => start <= seconds && seconds < end);
      const text = format.format(new Date(seconds * 1000));
      return span ? `${text} ${span[2]}` : text;
    };
  }

  function hatching(context) {
    const tile = document.createElement("canvas");
    // Upright lines, as in the strips (charts.css).
    tile.width = Math.round(5.5 * window.devicePixelRatio);
    tile.height = 1;
    const pen = tile.getContext("2d");
    pen.globalAlpha = 0.6;
    pen.fillStyle = colour("quiet");
    pen.fillRect(0, 0, 1.5 * window.devicePixelRatio, 1);
    return context.createPattern(tile, "repeat");
  }

  // From the bottom: Perfect, Ok, Bad. No answer stays blank; not watched hangs from the top. Bad
  // has an edge, so that it is visible without colour.
  function drawShares(plot, data) {
    const { ctx, bbox } = plot;
    const shares = Object.fromEntries(data.series.map(([key, , values]) => [key, values]));
    const hatch = hatching(ctx);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    data.starts.forEach((start, index) => {
      const left = plot.valToPos(start, "x", true);
      const whole = plot.valToPos(data.ends[index], "x", true) - left;
      const width = Math.max(whole - (whole > 6 ? 1 : 0), 0.5);
      const percent = (key) => (100 * shares[key][index]) / data.minutes[index];
      const bar = (from, to, fill) => {
        const top = plot.valToPos(to, "y", true);
        ctx.fillStyle = fill;
        ctx.fillRect(left, top, width, plot.valToPos(from, "y", true) - top);
        return top;
      };
      let reached = 0;
      for (const [key, opacity] of Object.entries(OPACITIES)) {
        if (!percent(key)) continue;
        ctx.globalAlpha = opacity;
        const top = bar(reached, reached + percent(key), colour(key));
        ctx.globalAlpha = 1;
        reached += percent(key);
        if (key === "bad") {
          ctx.fillStyle = colour("ink");
          ctx.fillRect(left, top, width, 2);
        }
      }
      if (percent("off")) bar(100 - percent("off"), 100, hatch);
    });
    ctx.restore();
  }

  // Dark phases as a thick line above and a shadow, light phases as a thin line, as over the strips.
  // Marks as triangles with their numbers in the list of the page.
  function drawFrame(plot, { light, marks }) {
    const { ctx, bbox } = plot;
    const ratio = window.devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - FRAME * ratio, bbox.width, bbox.height + FRAME * ratio);
    ctx.clip();
    for (const [start, end, isDark] of light) {
      const left = plot.valToPos(start, "x", true);
      const width = plot.valToPos(end, "x", true) - left;
      ctx.fillStyle = colour(isDark ? "ink" : "quiet");
      const height = (isDark ? 4 : 1) * ratio;
      ctx.fillRect(left, bbox.top - height, width, height);
      if (!isDark) continue;
      ctx.globalAlpha = 0.08;
      ctx.fillRect(left, bbox.top, width, bbox.height);
      ctx.globalAlpha = 1;
    }
    ctx.fillStyle = colour("ink");
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    for (const [start, , number] of marks) {
      const left = plot.valToPos(start, "x", true);
      const top = bbox.top - (FRAME - 2) * ratio;
      ctx.beginPath();
      ctx.moveTo(left - 5 * ratio, top);
      ctx.lineTo(left + 5 * ratio, top);
      ctx.lineTo(left, top + 9 * ratio);
      ctx.fill();
      ctx.fillText(number, left + 7 * ratio, top + 9 * ratio);
    }
    ctx.restore();
  }

  // One bar as text, also for screen readers.
  function describe(data, index, time) {
    const when = time(data.starts[index]).slice(0, data.step === "day" ? 10 : undefined);
    const parts = data.series.map(([, word, values]) => {
      const value = values[index];
      if (data.kind !== "shares") {
        return `${word} ${value === null ? "–" : `${(value / 1000).toFixed(1)} s`}`;
      }
      return value ? `${word} ${value}/${data.minutes[index]} min` : null;
    });
    const [from, to] = [data.starts[index], data.ends[index]];
    const here = ([start, end]) => start < to && end >= from;
    const phases = data.light.filter(([start, end]) => start < to && end > from);
    const words = [...new Set(phases.map((phase) => phase[3]))].join(" / ");
    const marks = data.marks.filter(here).map((mark) => mark[3]);
    return [`${when}: ${parts.filter(Boolean).join(", ")}`, words, ...marks]
      .filter(Boolean)
      .join(" · ");
  }

  function axesOf(unit, time) {
    const axis = {
      stroke: () => colour("quiet"),
      grid: { stroke: () => colour("line"), width: 1 },
      ticks: { stroke: () => colour("line"), width: 1 },
      font: FONT,
    };
    const mark = (seconds, step) => {
      const text = time(seconds);
      if (step >= MONTH_SECONDS) return text.slice(0, 7);
      return step >= DAY_SECONDS || text.endsWith("00:00") ? text.slice(5, 10) : text.slice(11);
    };
    return [
      {
        ...axis,
        space: 64,
        size: 30,
        values: (_plot, marks, _axis, _space, step) => marks.map((at) => mark(at, step)),
      },
      { ...axis, size: 58, values: (_plot, marks) => marks.map((at) => `${at} ${unit}`) },
    ];
  }

  // The differences of the two kinds of charts. drawShares draws shares, so uPlot gets one
  // series without a line, which the pointer can select.
  function kindOf(data) {
    if (data.kind === "shares") {
      return {
        unit: "%",
        range: [0, 100],
        series: [{ show: true, paths: () => null, points: { show: false } }],
        values: [data.minutes],
        draw: [(plot) => drawShares(plot, data)],
      };
    }
    return {
      unit: "s",
      range: (_plot, _low, high) => [0, high ? high * 1.05 : 1],
      series: data.series.map(([key, word]) => ({
        label: word,
        stroke: () => colour(COLOURS[key]),
        width: key === "p95" ? 2.5 : 1.5,
        dash: key === "max" ? [4, 4] : undefined,
        spanGaps: false,
        points: { show: data.starts.length < SHOWS_POINTS_BELOW, size: 4 },
      })),
      values: data.series.map(([, , values]) =>
        values.map((ms) => (ms === null ? null : ms / 1000)),
      ),
      draw: [],
    };
  }

  function draw(figure) {
    const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const place = figure.querySelector(".plot");
    const told = figure.querySelector(".told");
    const whole = figure.querySelector("button");
    const time = clock(data);
    const middles = data.starts.map((start, index) => (start + data.ends[index]) / 2);
    const range = [data.starts[0], data.ends.at(-1)];
    const kind = kindOf(data);
    // The last bar selected with the mouse or the keys.
    let current = null;

    const tell = (index) => {
      told.textContent = describe(data, index, time);
      told.classList.add("is-told");
    };

    const plot = new uPlot(
      {
        width: place.clientWidth || 600,
        height: HEIGHT,
        legend: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
        scales: { x: { time: true, min: range[0], max: range[1] }, y: { range: kind.range } },
        series: [{}, ...kind.series],
        axes: axesOf(kind.unit, time),
        cursor: {
          y: false,
          points: { show: data.kind !== "shares" },
          sync: { key: "history" },
          drag: { x: true, y: false },
          bind: {
            dblclick: () => () => {
              show(range);
              return null;
            },
          },
        },
        // Room above for the line of the light and the marks.
        padding: data.light.length || data.marks.length ? [FRAME + 2, null, null, null] : undefined,
        hooks: {
          draw: [...kind.draw, (drawn) => drawFrame(drawn, data)],
          setCursor: [
            ({ cursor }) => {
              if (cursor.idx !== null && cursor.idx !== undefined && cursor.left >= 0) {
                tell(cursor.idx);
              }
            },
          ],
          setScale: [
            (scaled, key) => {
              const { min, max } = scaled.scales.x;
              if (key === "x") whole.hidden = min <= range[0] && max >= range[1];
            },
          ],
        },
      },
      [middles, ...kind.values],
      place,
    );
    if (data.kind === "shares") plot.setScale("y", { min: 0, max: 100 });

    function show([min, max]) {
      plot.setScale("x", { min: Math.max(min, range[0]), max: Math.min(max, range[1]) });
    }

    function point(index) {
      const at = Math.min(Math.max(index, 0), middles.length - 1);
      const { min, max } = plot.scales.x;
      if (middles[at] < min || middles[at] > max) {
        const half = (max - min) / 2;
        show([middles[at] - half, middles[at] + half]);
      }
      plot.setCursor({ left: plot.valToPos(middles[at], "x"), top: 10 });
      tell(at);
      current = at;
    }

    function zoom(factor) {
      const { min, max } = plot.scales.x;
      const centre = current === null ? (min + max) / 2 : middles[current];
      const half = Math.max(((max - min) * factor) / 2, data.ends[0] - data.starts[0] || 1);
      show([centre - half, centre + half]);
    }

    function openDay() {
      if (!figure.dataset.open || current === null) return;
      const day = time(data.starts[current]).slice(0, 10);
      window.location = figure.dataset.open.replaceAll("DATE", day);
    }

    const keys = {
      ArrowRight: () => point(current === null ? 0 : current + 1),
      ArrowLeft: () => point(current === null ? middles.length - 1 : current - 1),
      Home: () => point(0),
      End: () => point(middles.length - 1),
      "+": () => zoom(0.5),
      "-": () => zoom(2),
      Escape: () => show(range),
      Enter: openDay,
    };
    place.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    plot.over.addEventListener("mousemove", () => {
      current = plot.cursor.idx ?? current;
    });
    whole.addEventListener("click", () => show(range));
    figure.classList.add("is-drawn");

    new ResizeObserver(() => {
      const width = place.clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }).observe(place);
    // A canvas keeps its colours when the system's theme changes, or when the page is printed.
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      window.matchMedia(query).addEventListener("change", () => plot.redraw(false, true));
    }
    place.plot = plot;
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) draw(figure);
})();
