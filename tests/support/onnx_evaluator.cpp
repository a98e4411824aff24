#include "tests/support/onnx_evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "engine/core/check.h"

namespace tern::test {
namespace {

using Shape64 = std::vector<std::int64_t>;

std::int64_t count_of(const Shape64& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

template <typename T>
std::vector<double> raw_values(const onnx::TensorProto& tensor) {
  std::vector<T> values(tensor.raw_data().size() / sizeof(T));
  std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
  return {values.begin(), values.end()};
}

OnnxArray array_of(const onnx::TensorProto& tensor) {
  OnnxArray array{{tensor.dims().begin(), tensor.dims().end()}, {}};
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
      array.values = raw_values<float>(tensor);
      break;
    case onnx::TensorProto::INT64:
      array.values = raw_values<std::int64_t>(tensor);
      break;
    case onnx::TensorProto::BOOL:
      array.values = raw_values<std::uint8_t>(tensor);
      break;
    default:
      throw Error("evaluate", "f32, i64 or boolean", tensor.name());
  }
  return array;
}

/// A node with the values of its inputs.
struct Call {
  const onnx::NodeProto& node;
  std::vector<const OnnxArray*> inputs;

  const OnnxArray& in(std::size_t i) const { return *inputs.at(i); }
  const onnx::AttributeProto* find(const char* name) const {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.name() == name) return &attribute;
    }
    return nullptr;
  }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    const onnx::AttributeProto* found = find(name);
    return found == nullptr ? otherwise : found->i();
  }
  double real(const char* name, double otherwise) const {
    const onnx::AttributeProto* found = find(name);
    return found == nullptr ? otherwise : static_cast<double>(found->f());
  }
  Shape64 integers(const char* name) const {
    const onnx::AttributeProto* found = find(name);
    if (found == nullptr)
      throw Error("evaluate " + node.op_type(), std::string("an attribute ") + name, "none");
    return {found->ints().begin(), found->ints().end()};
  }
};

OnnxArray unary(const OnnxArray& x, double (*f)(double)) {
  OnnxArray y = x;
  for (double& value : y.values) value = f(value);
  return y;
}

/// As NumPy broadcasts: f of the inputs' elements at each place.
OnnxArray broadcast(const std::vector<const OnnxArray*>& inputs,
                    const std::function<double(const std::vector<double>&)>& f) {
  std::size_t rank = 0;
  for (const OnnxArray* x : inputs) rank = std::max(rank, x->shape.size());
  OnnxArray y{Shape64(rank, 1), {}};
  for (const OnnxArray* x : inputs) {
    for (std::size_t i = 0; i < x->shape.size(); ++i) {
      std::int64_t& extent = y.shape[rank - x->shape.size() + i];
      if (x->shape[i] != 1 && extent != 1 && x->shape[i] != extent)
        throw Error("evaluate", "shapes that broadcast", "others");
      extent = std::max(extent, x->shape[i]);
    }
  }
  std::vector<double> arguments(inputs.size());
  for (std::int64_t place = 0; place < count_of(y.shape); ++place) {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const Shape64& shape = inputs[k]->shape;
      std::int64_t rest = place, index = 0, stride = 1;
      for (std::size_t i = rank; i-- > 0;) {
        const std::int64_t coordinate = rest % y.shape[i];
        rest /= y.shape[i];
        if (rank - i > shape.size()) continue;
        const std::int64_t extent = shape[i - (rank - shape.size())];
        if (extent != 1) index += coordinate * stride;
        stride *= extent;
      }
      arguments[k] = inputs[k]->values[static_cast<std::size_t>(index)];
    }
    y.values.push_back(f(arguments));
  }
  return y;
}

OnnxArray binary(const Call& call, double (*f)(double, double)) {
  return broadcast(call.inputs, [f](const std::vector<double>& x) { return f(x[0], x[1]); });
}

/// Calls visit(output place, [(input place, tap)]) for every window of images [N, C, H, W].
struct Windows {
  std::int64_t kernel, stride, padding, height, width, rows, columns;

  Windows(const Call& call, const OnnxArray& x) {
    const Shape64 kernels = call.integers("kernel_shape"), strides = call.integers("strides");
    const Shape64 pads = call.integers("pads");
    kernel = kernels.at(0), stride = strides.at(0), padding = pads.at(0);
    if (kernels.at(1) != kernel || strides.at(1) != stride || pads != Shape64(4, padding))
      throw Error("evaluate " + call.node.op_type(), "a square window", "another");
    height = x.shape.at(2), width = x.shape.at(3);
    rows = (height + 2 * padding - kernel) / stride + 1;
    columns = (width + 2 * padding - kernel) / stride + 1;
  }
  /// The taps of the window at (row, column) that lie within the image.
  template <typename Visit>
  void taps(std::int64_t row, std::int64_t column, Visit&& visit) const {
    for (std::int64_t r = 0; r < kernel; ++r) {
      for (std::int64_t s = 0; s < kernel; ++s) {
        const std::int64_t y = row * stride - padding + r, x = column * stride - padding + s;
        if (y >= 0 && y < height && x >= 0 && x < width) visit(y * width + x, r * kernel + s);
      }
    }
  }
};

OnnxArray convolution(const Call& call) {
  const OnnxArray &x = call.in(0), &w = call.in(1);
  const Windows windows(call, x);
  const std::int64_t group = call.integer("group", 1), in = w.shape.at(1), out = w.shape.at(0);
  if (x.shape.at(1) != in * group) throw Error("evaluate Conv", "the channels of its weight", "others");
  OnnxArray y{{x.shape[0], out, windows.rows, windows.columns}, {}};
  const std::int64_t area = windows.height * windows.width, kernel = windows.kernel * windows.kernel;
  for (std::int64_t n = 0; n < x.shape[0]; ++n) {
    for (std::int64_t k = 0; k < out; ++k) {
      const double* image = x.values.data() + (n * in * group + k / (out / group) * in) * area;
      const double* weight = w.values.data() + k * in * kernel;
      for (std::int64_t row = 0; row < windows.rows; ++row) {
        for (std::int64_t column = 0; column < windows.columns; ++column) {
          double sum = 0;
          windows.taps(row, column, [&](std::int64_t pixel, std::int64_t tap) {
            for (std::int64_t c = 0; c < in; ++c) sum += image[c * area + pixel] * weight[c * kernel + tap];
          });
          y.values.push_back(sum);
        }
      }
    }
  }
  return y;
}

OnnxArray max_pool(const Call& call) {
  const OnnxArray& x = call.in(0);
  const Windows windows(call, x);
  OnnxArray y{{x.shape[0], x.shape[1], windows.rows, windows.columns}, {}};
  for (std::int64_t plane = 0; plane < x.shape[0] * x.shape[1]; ++plane) {
    const double* image = x.values.data() + plane * windows.height * windows.width;
    for (std::int64_t row = 0; row < windows.rows; ++row) {
      for (std::int64_t column = 0; column < windows.columns; ++column) {
        double largest = -std::numeric_limits<double>::infinity();
        windows.taps(row, column,
                     [&](std::int64_t pixel, std::int64_t) { largest = std::max(largest, image[pixel]); });
        y.values.push_back(largest);
      }
    }
  }
  return y;
}

OnnxArray batch_normalization(const Call& call) {
  OnnxArray y = call.in(0);
  const double epsilon = call.real("epsilon", 1e-5);
  const std::int64_t channels = y.shape.at(1), area = count_of(y.shape) / (y.shape[0] * channels);
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    const auto c = static_cast<std::size_t>(static_cast<std::int64_t>(i) / area % channels);
    y.values[i] = (y.values[i] - call.in(3).values[c]) / std::sqrt(call.in(4).values[c] + epsilon) *
                      call.in(1).values[c] +
                  call.in(2).values[c];
  }
  return y;
}

/// alpha A B' + C, or A B with no transposition (MatMul).
OnnxArray product(const Call& call) {
  const OnnxArray &a = call.in(0), &b = call.in(1);
  const bool transposed = call.integer("transB", 0) != 0;
  const std::int64_t rows = a.shape.at(0), inner = a.shape.at(1), columns = b.shape.at(transposed ? 0 : 1);
  if (b.shape.at(transposed ? 1 : 0) != inner)
    throw Error("evaluate " + call.node.op_type(), "sizes that fit", "others");
  OnnxArray y{{rows, columns}, {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < inner; ++k) {
        sum += a.values[static_cast<std::size_t>(i * inner + k)] *
               b.values[static_cast<std::size_t>(transposed ? j * inner + k : k * columns + j)];
      }
      sum *= call.real("alpha", 1);
      if (call.inputs.size() > 2) sum += call.in(2).values.at(static_cast<std::size_t>(j));
      y.values.push_back(sum);
    }
  }
  return y;
}

/// Of each row of [rows, columns] one number: [rows, 1], or [rows].
OnnxArray reduce_rows(const Call& call, const std::function<double(std::span<const double>)>& f) {
  const OnnxArray& x = call.in(0);
  const bool by_attribute = call.find("axes") != nullptr || call.find("axis") != nullptr;
  const std::int64_t axis = call.find("axis") != nullptr ? call.integer("axis", 0)
                            : by_attribute               ? call.integers("axes").at(0)
                                                         : static_cast<std::int64_t>(call.in(1).values.at(0));
  if (axis != 1 || x.shape.size() < 2) throw Error("evaluate " + call.node.op_type(), "rows", "another axis");
  const std::int64_t columns = count_of(x.shape) / x.shape[0];
  OnnxArray y{{x.shape[0]}, {}};
  if (call.integer("keepdims", 1) != 0) y.shape.push_back(1);
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    y.values.push_back(f(std::span(x.values).subspan(static_cast<std::size_t>(i * columns),
                                                     static_cast<std::size_t>(columns))));
  }
  return y;
}

OnnxArray softmax(const OnnxArray& x) {
  OnnxArray y = x;
  const std::int64_t columns = x.shape.at(1);
  for (auto row = y.values.begin(); row != y.values.end(); row += columns) {
    const double largest = *std::max_element(row, row + columns);
    double sum = 0;
    for (auto value = row; value != row + columns; ++value) sum += * value = std::exp(*value - largest);
    for (auto value = row; value != row + columns; ++value) *value /= sum;
  }
  return y;
}

OnnxArray gather(const Call& call) {
  const OnnxArray &x = call.in(0), &indices = call.in(1);
  const std::int64_t axis = call.integer("axis", 0), extent = x.shape.at(static_cast<std::size_t>(axis));
  const auto split = x.shape.begin() + axis;
  const std::int64_t outer = count_of({x.shape.begin(), split}), inner = count_of({split + 1, x.shape.end()});
  OnnxArray y{{x.shape.begin(), split}, {}};
  y.shape.insert(y.shape.end(), indices.shape.begin(), indices.shape.end());
  y.shape.insert(y.shape.end(), split + 1, x.shape.end());
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const double number : indices.values) {
      const auto index = static_cast<std::int64_t>(number) + (number < 0 ? extent : 0);
      const auto begin = x.values.begin() + (o * extent + index) * inner;
      y.values.insert(y.values.end(), begin, begin + inner);
    }
  }
  return y;
}

/// Along rows.
OnnxArray gather_elements(const Call& call) {
  const OnnxArray& x = call.in(0);
  OnnxArray y = call.in(1);
  const std::int64_t columns = x.shape.at(1), picked = y.shape.at(1);
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    const std::int64_t row = static_cast<std::int64_t>(i) / picked;
    y.values[i] =
        x.values.at(static_cast<std::size_t>(row * columns) + static_cast<std::size_t>(y.values[i]));
  }
  return y;
}

/// The columns of the k largest of each row, largest first.
OnnxArray top_columns(const Call& call) {
  const OnnxArray& x = call.in(0);
  const std::int64_t columns = x.shape.at(1), k = static_cast<std::int64_t>(call.in(1).values.at(0));
  OnnxArray y{{x.shape[0], k}, {}};
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const double* row = x.values.data() + i * columns;
    std::vector<std::int64_t> order(static_cast<std::size_t>(columns));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [row](auto a, auto b) { return row[a] > row[b]; });
    y.values.insert(y.values.end(), order.begin(), order.begin() + k);
  }
  return y;
}

double sum_of(std::span<const double> row) {
  return std::accumulate(row.begin(), row.end(), 0.0);
}
double squares_of(std::span<const double> row) {
  return std::inner_product(row.begin(), row.end(), row.begin(), 0.0);
}

OnnxArray with_shape(OnnxArray x, Shape64 shape) {
  x.shape = std::move(shape);
  return x;
}

const std::map<std::string, std::function<OnnxArray(const Call&)>>& operators() {
  using Row = std::span<const double>;
  static const std::map<std::string, std::function<OnnxArray(const Call&)>> all{
      {"Add", [](const Call& c) { return binary(c, [](double a, double b) { return a + b; }); }},
      {"Sub", [](const Call& c) { return binary(c, [](double a, double b) { return a - b; }); }},
      {"Mul", [](const Call& c) { return binary(c, [](double a, double b) { return a * b; }); }},
      {"Div", [](const Call& c) { return binary(c, [](double a, double b) { return a / b; }); }},
      {"Max", [](const Call& c) { return binary(c, [](double a, double b) { return std::max(a, b); }); }},
      {"Min", [](const Call& c) { return binary(c, [](double a, double b) { return std::min(a, b); }); }},
      {"Equal",
       [](const Call& c) { return binary(c, [](double a, double b) { return a == b ? 1.0 : 0.0; }); }},
      {"GreaterOrEqual",
       [](const Call& c) { return binary(c, [](double a, double b) { return a >= b ? 1.0 : 0.0; }); }},
      {"Where",
       [](const Call& c) {
         return broadcast(c.inputs, [](const auto& x) { return x[0] != 0 ? x[1] : x[2]; });
       }},
      {"Relu", [](const Call& c) { return unary(c.in(0), [](double x) { return std::max(x, 0.0); }); }},
      {"Neg", [](const Call& c) { return unary(c.in(0), [](double x) { return -x; }); }},
      {"Exp", [](const Call& c) { return unary(c.in(0), [](double x) { return std::exp(x); }); }},
      {"Log", [](const Call& c) { return unary(c.in(0), [](double x) { return std::log(x); }); }},
      {"Sigmoid",
       [](const Call& c) { return unary(c.in(0), [](double x) { return 1 / (1 + std::exp(-x)); }); }},
      {"Identity", [](const Call& c) { return c.in(0); }},
      {"Conv", convolution},
      {"BatchNormalization", batch_normalization},
      {"MaxPool", max_pool},
      {"GlobalAveragePool",
       [](const Call& c) {
         const OnnxArray& x = c.in(0);
         const std::int64_t planes = x.shape.at(0) * x.shape.at(1), area = count_of(x.shape) / planes;
         OnnxArray y{{x.shape[0], x.shape[1], 1, 1}, {}};
         for (std::int64_t i = 0; i < planes; ++i) {
           y.values.push_back(sum_of(Row(x.values).subspan(static_cast<std::size_t>(i * area),
                                                           static_cast<std::size_t>(area))) /
                              static_cast<double>(area));
         }
         return y;
       }},
      {"Flatten",
       [](const Call& c) {
         return with_shape(c.in(0), {c.in(0).shape.at(0), count_of(c.in(0).shape) / c.in(0).shape[0]});
       }},
      {"Unsqueeze",
       [](const Call& c) {
         return with_shape(c.in(0), {c.in(0).shape.at(0), 1});
       }},
      {"Squeeze", [](const Call& c) { return with_shape(c.in(0), {c.in(0).shape.at(0)}); }},
      {"Gemm", product},
      {"MatMul", product},
      {"Softmax", [](const Call& c) { return softmax(c.in(0)); }},
      {"ArgMax",
       [](const Call& c) {
         return reduce_rows(c, [](Row row) {
           return static_cast<double>(std::max_element(row.begin(), row.end()) - row.begin());
         });
       }},
      {"ReduceMax",
       [](const Call& c) {
         return reduce_rows(c, [](Row row) { return *std::max_element(row.begin(), row.end()); });
       }},
      {"ReduceMin",
       [](const Call& c) {
         return reduce_rows(c, [](Row row) { return *std::min_element(row.begin(), row.end()); });
       }},
      {"ReduceSum", [](const Call& c) { return reduce_rows(c, sum_of); }},
      {"ReduceSumSquare", [](const Call& c) { return reduce_rows(c, squares_of); }},
      {"ReduceL2",
       [](const Call& c) { return reduce_rows(c, [](Row row) { return std::sqrt(squares_of(row)); }); }},
      {"Gather", gather},
      {"GatherElements", gather_elements},
      {"TopK", top_columns}};
  return all;
}

}  // namespace

std::map<std::string, OnnxArray> evaluate(const onnx::ModelProto& model,
                                          const std::map<std::string, OnnxArray>& inputs) {
  std::map<std::string, OnnxArray> values = inputs;
  for (const onnx::TensorProto& tensor : model.graph().initializer())
    values[tensor.name()] = array_of(tensor);
  for (const onnx::NodeProto& node : model.graph().node()) {
    Call call{node, {}};
    for (const std::string& name : node.input()) call.inputs.push_back(&values.at(name));
    const auto found = operators().find(node.op_type());
    if (found == operators().end()) throw Error("evaluate", "an operator that tern writes", node.op_type());
    OnnxArray result = found->second(call);
    // Of TopK the columns, its second value.
    values[node.output(node.output_size() - 1)] = std::move(result);
  }
  return values;
}

}  // namespace tern::test
