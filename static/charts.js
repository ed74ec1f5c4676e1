// Draws the charts of a history page with uPlot. What they show is in the page as data
// (cages/history/charts.py), with its words in the page's language.
(() => {
  'use strict'

  const HEIGHT = 224

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--nc-${name}`).trim()
  const COLOURS = {
    perfect: 'perfect', ok: 'ok', bad: 'bad', off: 'quiet', p50: 'perfect', p95: 'late', max: 'bad',
  }

  // "2026-03-02 03:00" in the facility's zone: the Swedish write dates as ISO does.
  function clock(zone) {
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone, dateStyle: 'short', timeStyle: 'short',
    })
    return (seconds) => format.format(new Date(seconds * 1000))
  }

  function hatched(context) {
    const tile = document.createElement('canvas')
    tile.width = tile.height = 8
    const pen = tile.getContext('2d')
    pen.strokeStyle = colour('quiet')
    pen.lineWidth = 1.5
    pen.beginPath()
    for (const shift of [-8, 0, 8]) { pen.moveTo(shift, 8); pen.lineTo(shift + 8, 0) }
    pen.stroke()
    return context.createPattern(tile, 'repeat')
  }

  // From the bottom: Perfect, Ok, Bad; no answer stays blank; not watched hangs from the top. Bad
  // has an edge of its own, so that it is found without colour.
  function drawShares(plot, data) {
    const { ctx } = plot
    const shares = Object.fromEntries(data.series.map(([key, , values]) => [key, values]))
    const hatch = hatched(ctx)
    ctx.save()
    ctx.beginPath()
    ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height)
    ctx.clip()
    data.starts.forEach((start, index) => {
      const left = plot.valToPos(start, 'x', true)
      const width = plot.valToPos(data.ends[index], 'x', true) - left
      const gap = width > 6 ? 1 : 0
      const bar = (from, to, fill) => {
        const top = plot.valToPos(to, 'y', true)
        ctx.fillStyle = fill
        ctx.fillRect(left, top, Math.max(width - gap, 0.5), plot.valToPos(from, 'y', true) - top)
        return top
      }
      let reached = 0
      for (const key of ['perfect', 'ok', 'bad']) {
        const share = 100 * shares[key][index] / data.minutes[index]
        if (!share) continue
        ctx.globalAlpha = key === 'perfect' ? 0.55 : key === 'ok' ? 0.8 : 1
        const top = bar(reached, reached + share, colour(key))
        reached += share
        ctx.globalAlpha = 1
        if (key === 'bad') { ctx.fillStyle = colour('ink'); ctx.fillRect(left, top, Math.max(width - gap, 0.5), 2) }
      }
      const off = 100 * shares.off[index] / data.minutes[index]
      if (off) bar(100 - off, 100, hatch)
    })
    ctx.restore()
  }

  function draw(figure) {
    const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent)
    const place = figure.querySelector('.plot')
    const told = figure.querySelector('.told')
    const whole = figure.querySelector('button')
    const ofShares = data.kind === 'shares'
    const time = clock(data.zone)
    const middles = data.starts.map((start, index) => (start + data.ends[index]) / 2)
    const range = [data.starts[0], data.ends.at(-1)]

    const inWords = (index) => {
      const when = time(data.starts[index]).slice(0, data.step === 'day' ? 10 : 16)
      const parts = data.series.map(([, word, values]) => {
        const value = values[index]
        if (ofShares) return value ? `${word} ${value} min (${Math.round(100 * value / data.minutes[index])} %)` : null
        return `${word} ${value === null ? '–' : `${(value / 1000).toFixed(1)} s`}`
      })
      return `${when}: ${parts.filter(Boolean).join(', ')}`
    }

    const tell = (index) => {
      told.textContent = inWords(index)
      told.classList.add('is-told')
    }
    const axis = {
      stroke: () => colour('quiet'), grid: { stroke: () => colour('line'), width: 1 },
      ticks: { stroke: () => colour('line'), width: 1 }, font: '12px system-ui, sans-serif',
    }
    const lines = data.series.map(([key, word]) => ({
      label: word, stroke: () => colour(COLOURS[key]), width: key === 'p95' ? 2.5 : 1.5,
      dash: key === 'max' ? [4, 4] : undefined, spanGaps: false, points: { show: data.starts.length < 60, size: 4 },
    }))
    const plot = new uPlot({
      width: place.clientWidth || 600, height: HEIGHT, legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
      scales: {
        x: { time: true, min: range[0], max: range[1] },
        y: ofShares ? { range: [0, 100] } : { range: (_plot, _low, high) => [0, high ? high * 1.05 : 1] },
      },
      series: [{}, ...(ofShares ? [{ show: true, paths: () => null, points: { show: false } }] : lines)],
      axes: [
        { ...axis, space: 64, size: 30, values: (_plot, marks, _axis, _space, step) => marks.map((at) => {
          const text = time(at)
          if (step >= 28 * 86400) return text.slice(0, 7)
          return step >= 86400 || text.endsWith('00:00') ? text.slice(5, 10) : text.slice(11, 16)
        }) },
        { ...axis, size: 58, values: (_plot, marks) => marks.map((mark) => `${mark} ${ofShares ? '%' : 's'}`) },
      ],
      cursor: {
        y: false, points: { show: !ofShares }, sync: { key: 'history' }, drag: { x: true, y: false },
        bind: { dblclick: () => () => { show(range); return null } },
      },
      hooks: {
        draw: ofShares ? [(drawn) => drawShares(drawn, data)] : [],
        setCursor: [({ cursor }) => { if (cursor.idx != null && cursor.left >= 0) tell(cursor.idx) }],
        setScale: [(scaled, key) => {
          const { min, max } = scaled.scales.x
          if (key === 'x') whole.hidden = min <= range[0] && max >= range[1]
        }],
      },
    }, [middles, ...(ofShares ? [data.minutes] : data.series.map(([, , values]) => values.map((ms) => ms === null ? null : ms / 1000)))], place)
    if (ofShares) plot.setScale('y', { min: 0, max: 100 })

    function show([min, max]) {
      plot.setScale('x', { min: Math.max(min, range[0]), max: Math.min(max, range[1]) })
    }
    function point(index) {
      const at = Math.min(Math.max(index, 0), middles.length - 1)
      const { min, max } = plot.scales.x
      if (middles[at] < min || middles[at] > max) {
        const half = (max - min) / 2
        show([middles[at] - half, middles[at] + half])
      }
      plot.setCursor({ left: plot.valToPos(middles[at], 'x'), top: 10 })
      tell(at)
      current = at
    }
    function zoom(factor) {
      const { min, max } = plot.scales.x
      const centre = current === null ? (min + max) / 2 : middles[current]
      const half = Math.max((max - min) * factor / 2, (data.ends[0] - data.starts[0]) || 1)
      show([centre - half, centre + half])
    }
    function open() {
      if (figure.dataset.open && current !== null) {
        window.location = figure.dataset.open.replaceAll('DATE', time(data.starts[current]).slice(0, 10))
      }
    }
    let current = null
    const keys = {
      ArrowRight: () => point(current === null ? 0 : current + 1),
      ArrowLeft: () => point(current === null ? middles.length - 1 : current - 1),
      Home: () => point(0), End: () => point(middles.length - 1),
      '+': () => zoom(0.5), '-': () => zoom(2), Escape: () => show(range), Enter: open,
    }
    place.addEventListener('keydown', (event) => {
      const act = keys[event.key]
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      act()
    })
    plot.over.addEventListener('mousemove', () => { if (plot.cursor.idx != null) current = plot.cursor.idx })
    whole.addEventListener('click', () => show(range))
    figure.classList.add('is-drawn')
    new ResizeObserver(() => {
      const width = place.clientWidth
      if (width && width !== plot.width) plot.setSize({ width, height: HEIGHT })
    }).observe(place)
    // The system's theme may change; and paper is light in every theme.
    for (const wish of ['(prefers-color-scheme: dark)', 'print']) {
      window.matchMedia(wish).addEventListener('change', () => plot.redraw(false, true))
    }
    place.plot = plot
  }

  for (const figure of document.querySelectorAll('figure[data-chart]')) draw(figure)
})()
