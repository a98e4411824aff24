// The charts: Chart.js with the page's colours, and what each of them shows.
'use strict';

Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = 'system-ui, sans-serif';

// Okabe and Ito's colours, which stay apart for colour-blind readers; lines differ in dashes too.
const palette = {
  light: {
    ink: '#1c2430',
    soft: '#5b6675',
    grid: '#dfe3e8',
    tau: '#1c2430',
    seen: '#0072b2',
    known: '#00795a',
    near: '#cc8400',
    far: '#b3320a',
    far_held_out: '#a8487c',
    runs: ['#0072b2', '#b3320a', '#00795a', '#a8487c', '#cc8400', '#3c6e9e', '#555555', '#7a5c00']
  },
  dark: {
    ink: '#e8ebef',
    soft: '#a3adba',
    grid: '#363d47',
    tau: '#ffffff',
    seen: '#56b4e9',
    known: '#3cc9a0',
    near: '#f0b030',
    far: '#ff8a4c',
    far_held_out: '#e59ac6',
    runs: ['#56b4e9', '#ff8a4c', '#3cc9a0', '#e59ac6', '#f0b030', '#8fb8e0', '#bbbbbb', '#d6c06a']
  },
};
const dashes = {
  seen: [],
  known: [2, 3],
  near: [],
  far: [7, 4],
  far_held_out: [2, 3]
};
const runDashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

const darkQuery = window.matchMedia('(prefers-color-scheme: dark)');
let printing = false;

function colours() { return darkQuery.matches && !printing ? palette.dark : palette.light; }

// Every chart there is, with what makes its configuration: to draw all of them again in other colours.
const charts = new Map();

// A chart in `parent`, `height` pixels high; `configure` returns Chart.js's configuration. Returns the
// function that draws it again after its data changed.
function addChart(parent, height, label, configure) {
  const box = document.createElement('div');
  box.className = 'chart';
  box.style.height = height + 'px';
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  box.append(canvas);
  parent.append(box);
  const chart = new Chart(canvas, configure());
  const redraw = () => {
    const next = configure();
    chart.data = next.data;
    chart.options = next.options;
    chart.update('none');
    canvas.setAttribute('aria-label', label());
  };
  canvas.setAttribute('aria-label', label());
  charts.set(chart, redraw);
  return redraw;
}

function removeCharts(within) {
  for (const chart of [...charts.keys()]) {
    if (!within.contains(chart.canvas)) continue;
    charts.delete(chart);
    chart.destroy();
  }
}

function redrawAll() {
  for (const redraw of charts.values()) redraw();
}

function axis(title, more) {
  const c = colours();
  return Object.assign(
      {
        type: 'linear',
        title: {display: Boolean(title), text: title, color: c.soft},
        ticks: {color: c.soft, maxRotation: 0},
        grid: {color: c.grid, borderColor: c.grid, tickColor: c.grid},
      },
      more);
}

// `pointStyle`: one for all entries, else each has its own.
function legend(pointStyle, filter) {
  const labels = {
    color: colours().ink,
    usePointStyle: true,
    boxHeight: 8,
    pointStyleWidth: pointStyle === 'line' ? 30 : 12
  };
  if (pointStyle) labels.pointStyle = pointStyle;
  if (filter) labels.filter = filter;
  return {position: 'bottom', labels};
}

const percentTick = (value) => Math.round(value * 100) + ' %';

// One square of curves: lines is a list of {name, colour, dash, points: [[x, y]], mark: [x, y] or none}.
function curveConfig(lines, xTitle, yTitle, diagonal) {
  const datasets = [];
  for (const line of lines) {
    const at = ([x, y]) => ({x, y});
    datasets.push({
      label: line.name,
      data: line.points.map(at),
      borderColor: line.colour,
      borderDash: line.dash,
      backgroundColor: line.colour,
      borderWidth: 2,
      pointRadius: 0,
      pointHitRadius: 6,
      showLine: true,
      clip: 2
    });
    if (line.mark) {
      datasets.push({
        label: line.name + ' at tau',
        data: [at(line.mark)],
        borderColor: colours().tau,
        backgroundColor: line.colour,
        borderWidth: 1.5,
        pointRadius: 6,
        pointHoverRadius: 7,
        isMark: true,
        clip: 9
      });
    }
  }
  if (diagonal) {
    datasets.push({
      label: 'chance',
      data: [{x: 0, y: 0}, {x: 1, y: 1}],
      borderColor: colours().soft,
      borderWidth: 1,
      borderDash: [3, 4],
      pointRadius: 0,
      pointHitRadius: 0,
      showLine: true,
      isMark: true
    });
  }
  const axisOf = (title) => axis(title, {
    min: 0,
    max: 1,
    ticks: {color: colours().soft, callback: percentTick, stepSize: 0.25, maxRotation: 0}
  });
  return {
    type: 'scatter',
    data: {datasets},
    options: {
      scales: {x: axisOf(xTitle), y: axisOf(yTitle)},
      plugins: {
        legend: lines.length > 1 ? legend('line', (item, data) => !data.datasets[item.datasetIndex].isMark) :
                                   {display: false},
        tooltip: {
          callbacks: {
            label: (item) => `${item.dataset.label}: ${xTitle} ${percentTick(item.parsed.x)}, ` +
                `${yTitle} ${percentTick(item.parsed.y)}`
          }
        },
      },
    },
  };
}

// A line down the chart where tau is.
const tauLine = {
  id: 'tauLine',
  afterDatasetsDraw(chart, _, options) {
    const {ctx, chartArea: area, scales: {x}} = chart;
    const at = x.getPixelForValue(options.u);
    ctx.save();
    ctx.strokeStyle = options.colour;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.moveTo(at, area.top - 4);
    ctx.lineTo(at, area.bottom);
    ctx.stroke();
    ctx.restore();
  },
};
Chart.register(tauLine);
Chart.defaults.plugins.tauLine = false;

const histogramBins = 40;
const histogramEdge = {
  left: 52,
  right: 14
};  // the slider below is as wide as the bars: see report.css

// The confidences of one group; bars that are kept are full, those called novel are light.
function histogramConfig(group, scale, tau, withTicks) {
  const c = colours(), shares = histogramOf(group, scale, histogramBins), u = scales[scale].to(tau);
  const data = shares.map((share, bin) => ({x: (bin + 0.5) / histogramBins, y: share}));
  const edge = (bin) => scales[scale].from(bin / histogramBins);
  return {
    type: 'bar',
    data: {
      datasets: [{
        label: groupNames[group.key],
        data,
        barPercentage: 0.94,
        categoryPercentage: 1,
        grouped: false,
        backgroundColor: data.map(({x}) => c[group.key] + (x >= u ? '' : '66')),
      }],
    },
    options: {
      layout: {padding: {top: 6, right: histogramEdge.right}},
      scales: {
        x: axis('', {
          min: 0,
          max: 1,
          offset: false,
          ticks: {
            display: withTicks,
            color: c.soft,
            maxRotation: 0,
            autoSkip: false,
            align: 'inner',
            callback: (value) => String(Number(scales[scale].from(value).toFixed(4)))
          },
          afterBuildTicks: (x) => {
            const ticks = scales[scale].ticks.filter((tick) => tick !== 0.5 || x.chart.width > 380);
            x.ticks = ticks.map((tick) => ({value: scales[scale].to(tick)}));
          },
        }),
        y: axis('', {
          min: 0,
          max: Math.max(...shares) > 60 ? 100 : undefined,
          ticks: {color: c.soft, maxTicksLimit: 4, callback: (value) => value + ' %'},
          afterFit: (y) => {
            y.width = histogramEdge.left;
          },
        }),
      },
      plugins: {
        legend: {display: false},
        tauLine: {u, colour: c.tau},
        tooltip: {
          callbacks: {
            title: ([item]) =>
                `confidence ${edge(item.dataIndex).toFixed(4)} to ${edge(item.dataIndex + 1).toFixed(4)}`,
            label: (item) =>
                `${item.dataset.label}: ${item.parsed.y.toFixed(2)} % of ${group.truth.length} images`,
          },
        },
      },
    },
  };
}

// Bars: how often right in each bin of probability; the diagonal is a model that is right as often as it
// says.
function reliabilityConfig(bins, colour) {
  const full = bins.filter((bin) => bin.images > 0);
  return {
    type: 'bar',
    data: {
      datasets: [
        {
          type: 'line',
          label: 'as sure as right',
          data: [{x: 0, y: 0}, {x: 100, y: 100}],
          borderColor: colours().soft,
          borderDash: [4, 4],
          borderWidth: 1.5,
          pointRadius: 0,
          pointStyle: 'line'
        },
        {
          label: 'right',
          grouped: false,
          barPercentage: 0.94,
          categoryPercentage: 1,
          backgroundColor: colour + 'aa',
          pointStyle: 'rect',
          data: bins.map((bin) => ({
                           x: 50 * (bin.lower + bin.upper),
                           y: bin.images ? bin.accuracy_percent : null,
                           images: bin.images
                         }))
        },
        {
          type: 'line',
          label: 'mean probability',
          showLine: false,
          pointRadius: 4,
          pointStyle: 'rectRot',
          clip: 8,
          borderColor: colours().ink,
          backgroundColor: colours().ink,
          data: full.map(
              (bin) =>
                  ({x: 50 * (bin.lower + bin.upper), y: bin.mean_confidence_percent, images: bin.images}))
        },
      ],
    },
    options: {
      scales: {
        x: axis('probability of the answer', {
          min: 0,
          max: 100,
          offset: false,
          ticks: {color: colours().soft, stepSize: 20, maxRotation: 0, callback: (value) => value + ' %'}
        }),
        y: axis('answered rightly', {
          min: 0,
          max: 100,
          ticks: {color: colours().soft, stepSize: 20, callback: (value) => value + ' %'}
        }),
      },
      plugins: {
        legend: legend(),
        tooltip: {
          callbacks: {
            title: ([item]) => `bin at ${item.parsed.x.toFixed(0)} %`,
            label: (item) => `${item.dataset.label}: ${item.parsed.y.toFixed(1)} %` +
                (item.raw.images === undefined ? '' : ` of ${item.raw.images} images`)
          }
        },
      },
    },
  };
}

// Lines by epoch: a list of {name, colour, dash, epochs, values: number or null}.
function epochConfig(lines, yTitle, best) {
  return {
    type: 'scatter',
    data: {
      datasets: lines.map((line) => ({
                            label: line.name,
                            borderColor: line.colour,
                            backgroundColor: line.colour,
                            borderDash: line.dash,
                            borderWidth: 2,
                            showLine: true,
                            spanGaps: true,
                            pointHitRadius: 8,
                            clip: 8,
                            pointRadius: line.epochs.map(
                                (epoch) =>
                                    (epoch === best             ? 5 :
                                         line.epochs.length > 4 ? 0 :
                                                                  4)),
                            data: line.epochs.map((x, i) => ({x, y: line.values[i]})),
                          })),
    },
    options: {
      scales: {
        x: axis('epoch', {grace: 0, ticks: {color: colours().soft, precision: 0, maxRotation: 0}}),
        y: axis(yTitle, {}),
      },
      plugins: {
        legend: legend('line'),
        tooltip: {
          callbacks: {
            label: (item) => `${item.dataset.label}, epoch ${item.parsed.x}: ${item.parsed.y.toPrecision(4)}`
          }
        },
      },
    },
  };
}

darkQuery.addEventListener('change', redrawAll);
window.addEventListener('beforeprint', () => {
  printing = true;
  redrawAll();
  for (const chart of charts.keys()) chart.resize();
});
window.addEventListener('afterprint', () => {
  printing = false;
  redrawAll();
  for (const chart of charts.keys()) chart.resize();
});
