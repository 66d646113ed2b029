// The code of a stack of layers, to copy.

/** A layer as `atrous inspect` reads it. */
const typed = ({ kind, kernel, stride, dilation, padding, filters }) => {
  const settings = [stride !== 1 || kind === "pool" ? `s${stride}` : "", padding ? `p${padding}` : "", dilation > 1 ? `d${dilation}` : ""].filter(Boolean);
  const name = { conv: "conv", pool: "maxpool", transposed: "transposed" }[kind];
  return [name, kernel, kind === "pool" ? "" : filters, ...settings].filter((part) => part !== "").join(" ");
};

function python(layers, channels, size) {
  const text = layers.map(typed).join(", ");
  const shape = `1x${channels}x${size}x${size}`;
  return [
    `import atrous`,
    `from atrous.graph.layer_list import read_layers`,
    ``,
    `layers = "${text}"`,
    `net = read_layers(layers, (1, ${channels}, ${size}, ${size}))`,
    `print(net.inspect((1, ${channels}, ${size}, ${size})))`,
    ``,
    `# or on the command line:`,
    `#   atrous inspect "${text}" --input ${shape}`,
  ].join("\n");
}

function pytorch(layers, channels, size) {
  let maps = channels;
  const lines = layers.map(({ kind, kernel, stride, dilation, padding, filters }) => {
    const before = maps;
    if (kind === "pool") return `    nn.MaxPool2d(${kernel}, stride=${stride}, padding=${padding}),`;
    maps = filters;
    if (kind === "transposed") return `    nn.ConvTranspose2d(${before}, ${maps}, ${kernel}, stride=${stride}, padding=${padding}),`;
    return `    nn.Conv2d(${before}, ${maps}, ${kernel}, stride=${stride}, padding=${padding}, dilation=${dilation}),`;
  });
  return ["import torch", "from torch import nn", "", "net = nn.Sequential(", ...lines, ")", `print(net(torch.randn(1, ${channels}, ${size}, ${size})).shape)`].join("\n");
}

function keras(layers, channels, size) {
  const lines = layers.flatMap(({ kind, kernel, stride, dilation, padding, filters }) => {
    const zeros = padding ? [`    layers.ZeroPadding2D(${padding}),`] : [];
    const cut = padding ? [`    layers.Cropping2D(${padding}),`] : [];
    if (kind === "pool") return [...zeros.map((line) => `${line}  # max pooling should pad with -inf; zeros do behind a ReLU`), `    layers.MaxPooling2D(${kernel}, strides=${stride}),`];
    if (kind === "transposed") return [`    layers.Conv2DTranspose(${filters}, ${kernel}, strides=${stride}),`, ...cut];
    const odd = stride > 1 && dilation > 1 ? "  # Keras takes a stride or a dilation above 1, not both" : "";
    return [...zeros, `    layers.Conv2D(${filters}, ${kernel}, strides=${stride}, dilation_rate=${dilation}),${odd}`];
  });
  return ["import keras", "from keras import layers", "", "net = keras.Sequential([", `    keras.Input((${size}, ${size}, ${channels})),`, ...lines, "])", "net.summary()"].join("\n");
}

/** {python, pytorch, keras} of layers (as of layer_field.js) on square maps. */
export const stackCode = (layers, channels, size) => ({ python: python(layers, channels, size), pytorch: pytorch(layers, channels, size), keras: keras(layers, channels, size) });
