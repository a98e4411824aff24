#!/usr/bin/env python3
"""Wrong answers that people give to lessons, and what each is to be told: a part of the hint. Many of them are one program, compiled
once, of which the first argument says which is meant.   learn_wrong.py OUT.cpp writes that of the lessons of train/."""
import pathlib
import re
import sys

LEARN = pathlib.Path(__file__).resolve().parent.parent / "learn"
sys.path.insert(0, str(LEARN))
from learn_wrong_puzzles import ERRORS, PUZZLES  # noqa: E402

# What the emulator finds: a kernel, its launch, and what is to be thought of it. `y` is memory of 32 floats.
FAULTS = {
    "shared_unwritten": ("(float* y) { __shared__ float s[32]; y[threadIdx.x] = s[threadIdx.x]; }", "<<<1, 32>>>(y)",
     "shared memory holds anything"),
    "shared_race": ("(float* y) { __shared__ float s[32]; s[threadIdx.x] = 1; __syncthreads(); s[threadIdx.x / 2] = 2; y[0] = 0; }",
     "<<<1, 32>>>(y)",
                    "two threads meet there"),
    "shared_below": ("(float* y) { __shared__ float s[32]; int i = threadIdx.x; s[i - 1] = y[i]; }", "<<<1, 32>>>(y)",
     "the index is below 0"),
    "shared_outside": ("(float* y) { __shared__ float s[32]; s[threadIdx.x + 1] = y[threadIdx.x]; }", "<<<1, 32>>>(y)",
     "the last element of n"),
    "unsigned": ("(float* y) { unsigned i = threadIdx.x; y[i - 1] = 1; }", "<<<1, 32>>>(y)", "0 - 1 is 4294967295"),
    "freed": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 32>>>(freed)", "given back by cudaFree"),
    "after_the_end": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 64>>>(y)", "A guard"),
    "beyond_the_end": ("(float* y) { float4 v = *reinterpret_cast<float4*>(y + 30); y[0] = v.x; }", "<<<1, 1>>>(y)",
     "last of them are not there"),
    "before_the_begin": ("(float* y) { int i = threadIdx.x; y[i - 1] = 1; }", "<<<1, 32>>>(y)", "the index is below 0"),
    "null": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 32>>>(nullptr)", "no memory: what did cudaMalloc say"),
    "host": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 32>>>(host)", "memory of the device"),
    "own_array": ("(float* y) { float own[4]; for (int i = 0; i <= 4; ++i) own[i] = y[i]; y[0] = own[3]; }", "<<<1, 1>>>(y)",
     "compare the index with the array's size"),
    "own_variable": ("(float* y) { __shared__ float* p; float own = y[threadIdx.x]; if (threadIdx.x == 0) p = &own; __syncthreads(); "
                     "if (threadIdx.x == 1) *y = *p; }", "<<<1, 32>>>(y)", "its thread's own"),
    "nowhere": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 1>>>(reinterpret_cast<float*>(0x123456000))", "where does it come from"),
    "misaligned": ("(float* y) { *reinterpret_cast<double*>(y + 1) = 1; }", "<<<1, 1>>>(y)", "a multiple of"),
    "unwritten": ("(float* y) { y[threadIdx.x] += 1; }", "<<<1, 32>>>(fresh)", "memory holds anything at first"),
    "two_barriers": ("(float* y) { if (threadIdx.x < 16)\n__syncthreads();\nelse\n__syncthreads();\ny[threadIdx.x] = 1; }",
     "<<<1, 32>>>(y)",
                     "the same barrier"),
    "missed_barrier": ("(float* y) { if (threadIdx.x < 16) __syncthreads(); y[threadIdx.x] = 1; }", "<<<1, 32>>>(y)",
     "must reach every barrier"),
    "missed_shuffle": ("(float* y) { if (threadIdx.x < 16) y[threadIdx.x] = __shfl_down_sync(0xffffffff, 1.f, 1); }", "<<<1, 32>>>(y)",
                       "all lanes that the mask names"),
    "mask": ("(float* y) { y[threadIdx.x] = __shfl_sync(1, 1.f, 0); }", "<<<1, 32>>>(y)", "the mask names the lanes that take part"),
    "mask_source": ("(float* y) { if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(0xffff, 1.f, 20); }", "<<<1, 32>>>(y)",
     "whose values are wanted"),
    "fence": ("(float* y) { if (threadIdx.x > 0) return; y[blockIdx.x] = 1; if (atomicAdd(&y[31], 1.f) == 1) y[30] = y[0]; }",
     "<<<2, 32>>>(zeros)",
              "needs __threadfence"),
    "same_element": ("(float* y) { y[threadIdx.x / 2] = threadIdx.x; }", "<<<1, 32>>>(y)", "several threads write the same element"),
    "neighbour": ("(float* y) { y[threadIdx.x] = y[threadIdx.x + 1]; }", "<<<1, 31>>>(y)", "let all read before anybody writes"),
    "other_block": ("(float* y) { y[blockIdx.x + 1] = y[blockIdx.x]; }", "<<<2, 1>>>(y)", "blocks run in any order"),
    "endless": ("(float* y) { for (int i = 0; i < 32;) y[threadIdx.x] = 1; }", "<<<1, 32>>>(y)", "what ends the loop"),
    "division": ("(float* y, int n) { y[threadIdx.x] = n / (int)threadIdx.x; }", "<<<1, 32>>>(y, 1)", "which divisor can be 0"),
    "recursion": ("_deeper(volatile int* n, int at) { int below[1000]; below[at % 1000] = *n; if (*n != 1) k_deeper(below, at + 1); *n = "
     "below[at % 1000] + 1; }\n"
                  "__global__ void k(float* y) { int n = 0; k_deeper(&n, 0); y[0] = n; }", "<<<1, 1>>>(y)", "what ends the recursion"),
    "large_block": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 2048>>>(y)", "1 to 1024 threads in all"),
    "dynamic_shared": ("(float* y) { y[threadIdx.x] = 1; }", "<<<1, 32, 100000>>>(y)", "take smaller tiles"),
    "static_shared": ("(float* y) { __shared__ float s[100000]; s[threadIdx.x] = 1; y[threadIdx.x] = s[threadIdx.x]; }", "<<<1, 32>>>(y)",
     "take smaller tiles"),
    "exit": ("(float* y) { if (threadIdx.x == 31) exit(3); y[threadIdx.x] = 1; }", "<<<1, 32>>>(y)", "a thread is done at the end"),
    "assertion": ("(float* y) { assert(threadIdx.x < 5); y[threadIdx.x] = 1; }", "<<<1, 32>>>(y)", "the kernel says so itself"),
}
# Of lessons of train/: a part of the solution, what stands there instead, and what is to be told. "" stands for the lesson as it is.
LOOP = "for (std::int64_t i = 0; i < parameter.data().numel(); ++i) values[i] -= rate * slopes[i];"
TRAIN = {
    "01_two_moons": (
        ("", "", "begin with the loss"),
        (LOOP, "", "nobody has applied its gradients"),
        ("    parameter.clear_grad();\n", "", "must be forgotten"),
        ("-= rate *", "+= rate *", "subtract it"),
        ("-= rate * ", "-= ", "times rate"),
        ("network.parameters()", "{network.w1, network.w2}", "all four parameters"),
        ("float* const values = parameter", "parameter.clear_grad();\n    float* const values = parameter",
         "look whether the Tensor there is defined"),
        ("return loss.data().item();", "return 0;", "return loss"),
        ("network.forward(x), labels", "relu(network.forward(x)), labels", "all four parameters"),
        ("network.forward(x), labels", "network.forward(x), Tensor::from({labels.numel(), 1}, labels.to_vector<std::int32_t>())",
         "labels .rows. of whole numbers"),
    ),
    "02_overfitting": (
        ("", "", "std::iota"),
        ("{numbers.begin() + validation, numbers.end()}", "numbers", "a point in both parts"),
        ("  random.shuffle(numbers);\n", "", "class by class: random.shuffle"),
        ("numbers.begin() + validation, numbers.end()", "numbers.begin() + validation + 1, numbers.end()", "all others"),
        (".clone()", "", "a Tensor is a handle"),
        ("      kept.clear();\n", "", "forgotten: kept.clear"),
        ("epoch - best_epoch >= patience", "epoch - best_epoch > patience", "three in a row"),
        ("epoch - best_epoch >= patience", "epoch >= patience - 1", "counts from the best epoch"),
        ("epoch - best_epoch >= patience", "false", "three in a row"),
        ("    if (validation_loss < best) {\n      best = validation_loss;", "    const bool better = validation_loss < best;\n    best = "
         "validation_loss;\n    if (better) {",
         "not with the epoch before"),
    ),
    "03_learning_rate": (
        ("", "", "two cases"),
        ("static_cast<float>(step + 1) / static_cast<float>(warmup + 1)", "static_cast<float>(step) / static_cast<float>(warmup)",
         "count from 1"),
        ("static_cast<float>(warmup + 1)", "static_cast<float>(warmup)", "one step early"),
        ("static_cast<float>(step + 1) / static_cast<float>(warmup + 1)", "static_cast<float>((step + 1) / (warmup + 1))", "divide floats"),
        ("static_cast<float>(step - warmup) / static_cast<float>(total - warmup)", "static_cast<float>((step - warmup) / (total - "
         "warmup))", "of ints it is 0"),
        ("static_cast<float>(step - warmup) / static_cast<float>(total - warmup)", "static_cast<float>(step) / static_cast<float>(total)",
         "begins after the warm-up"),
        ("static_cast<float>(total - warmup)", "static_cast<float>(total)", "total - warmup steps are left"),
        ("std::numbers::pi_v<float> * t", "2 * std::numbers::pi_v<float> * t", "half a turn"),
    ),
    "04_batch_norm": (
        ("", "", "begin with norm1"),
        ("  network.set_training(false);\n", "", "before the network is asked, true after"),
        ("  network.set_training(true);\n", "", "before you return"),
        ("last.forward(global_average_pool(c))", "last.forward(c)", "global_average_pool makes"),
        ("last.forward(global_average_pool(c))", "global_average_pool(c)", "a logit for each class|-> last ->"),
        ("norm2.forward(conv2.forward(a), /*relu=*/true)", "conv2.forward(a)", "a normalisation after each convolution"),
        ("/*relu=*/true", "/*relu=*/false", "without ReLU"),
        ("conv2.forward(a)", "conv2.forward(images)", "what one layer gives the next"),
        ("return lesson::accuracy_percent", "return 0 * lesson::accuracy_percent", "lesson::accuracy_percent"),
    ),
    "05_resnet": (
        ("", "", "row by row"),
        ("from * 3 + colour", "from * 3 + (mirrored ? 2 - colour : colour)", "red has become blue"),
        ("const std::vector<float> before(pixels, pixels + side * 3);", "const std::span<float> before(pixels, pixels + side * 3);",
         "Read from a copy of the row"),
        ("const bool is_inside = from >= 0 && from < side;", "const bool is_inside = true;\n      from = (from + side) % side;",
         "comes in on the other"),
        ("random.chance(0.5f)", "true", "drawn for each image"),
        ("random.below(7)", "random.below(6)", "each as likely"),
        ("  model.set_training(true);\n", "", "comes first"),
        ("  random.shuffle(order);\n", "", "in each epoch"),
        ("      augment(batch.pixels.data<float>() + image * side * side * 3, side, random);\n", "      ;\n",
         "for each image of the batch"),
        ("batch.pixels.data<float>() + image", "set.images.pixels.data<float>() + image", "augment the batch, not the set"),
        ("    optimizer.clear_gradients();\n", "", "clear_gradients.. after each step"),
        ("    ++progress.step;\n", "", "counts steps"),
        ("at + kBatch <= set.images.count()", "at + kBatch <= kBatch", "at . 32 <= count"),
    ),
}

FAULT = """KIND kKERNEL
int main() {
  const lesson::Memory results(std::vector<float>(32)), numbers(std::vector<float>(32));
  float *y = results, *zeros = numbers, *freed, *fresh, *host = static_cast<float*>(std::malloc(128));
  cudaMalloc(&freed, 128);
  cudaFree(freed);
  cudaMalloc(&fresh, 128);
  kLAUNCH;
  lesson::require(cudaDeviceSynchronize(), "the kernel");
  return 0;
}
"""


def parts(path):
    """A lesson's text as (before, code, test), without its includes, and these."""
    text = path.read_text()
    includes = re.findall(r"^#include .*\n", text, re.MULTILINE)
    text = re.sub(r"^(#include|using namespace) .*\n", "", text, flags=re.MULTILINE)
    before, code = text.split("// ---- your code\n", 1) if "// ---- your code" in text else ("", text)
    code, test = code.split("// ---- the test\n", 1)
    return before, code, test, includes


def changed(solution, old, new):
    if old not in solution:
        raise ValueError(f"wanted a solution with {old!r}, got {solution}")
    return solution.replace(old, new)


def as_file(name, text):
    """Text that a compiler takes for a file of its own."""
    return f'#line 1 "{name}.cu"\n{text}\n#line 1 "rest.cu"\n'


def write_files(source, folder):
    """Those parts of a source that are such files, for whoever looks up a line of them."""
    for name, text in re.findall(r'#line 1 "(?!rest)(\w+\.cu)"\n(.*?)\n#line 1 "rest.cu"', source, re.DOTALL):
        (folder / name).write_text(text)


def combined(includes, programs):
    """One source of several programs, by name: {name: (text, number of its answers)}, each in a namespace of its own. Of several answers
    the variable `answer` says which is meant; the first argument is NAME_0, NAME_1, ..."""
    text = "".join(dict.fromkeys(includes)) + "#include <cstring>\n#include <string>\n"
    for name, (program, _) in programs.items():
        text += f"\nnamespace of_{name} {{\nint answer;\n{program}\n}}\n"
    text += "\nint main(int argc, char** argv) {\n  const std::string name = argc > 1 ? argv[1] : \"\";\n"
    for name, (program, answers) in programs.items():
        words = "argc, argv" if "int main(int" in program else ""
        for number in range(answers):
            text += f'  if (name == "{name}_{number}") return of_{name}::answer = {number}, of_{name}::main({words});\n'
    return text + "  return 2;\n}\n"


def kernel_program(path, answers=()):
    """The test of a puzzle or bug, which launches the kernel that `answer` says: after the wrong ones it as it stands, and its solution."""
    _, code, test, _ = parts(path)
    solution = (LEARN / "solutions" / path.parent.name / path.name).read_text()
    begin = code.index("__global__")
    head, kernel = code[:begin], code[begin:code.index("{\n", begin)]
    bodies = [f"{kernel}{{\n{answer[0]}\n}}" if len(answer) == 1 else changed(solution, *answer) for *answer, _ in answers]
    bodies += [code[begin:], solution]
    files = [as_file(f"{path.stem}_{number}", body) for number, body in enumerate(bodies)]
    kernels = "".join(f"namespace a{number} {{\n{file}}}\n" for number, file in enumerate(files))
    launch = re.search(r"\w+<<<[^;]*;", test).group()
    cases = "".join(f"if (answer == {number}) a{number}::{launch}\n" for number in range(len(bodies)))
    return f"{head}{kernels}{test.replace(launch, cases)}"


def kernel_programs():
    """A source with every wrong answer to a puzzle, and with the solutions of puzzles and bugs; {name: (lesson, wanted hint)}, and the
    names of what is right."""
    programs, wanted, includes, right = {}, {}, [], []
    for path in [*sorted((LEARN / "puzzles").glob("*.cu")), *sorted((LEARN / "bugs").glob("*.cu"))]:
        key, answers = f"{path.parent.name}/{path.stem}", PUZZLES.get(path.stem, ())
        includes += parts(path)[3]
        programs[path.stem] = (kernel_program(path, answers), len(answers) + 2)
        wanted |= {f"{path.stem}_{number}": (key, hint) for number, (*_, hint) in enumerate(answers)}
        if path.stem in PUZZLES:  # as it stands it has some hint
            wanted[f"{path.stem}_{len(answers)}"] = (key, "")
        right.append(f"{path.stem}_{len(answers) + 1}")
    for name, (kernel, launch, hint) in FAULTS.items():
        kind = "__device__ __attribute__((noinline)) void" if kernel.startswith("_") else "__global__ void"
        programs[name] = (as_file(f"{name}_0", FAULT.replace("KIND", kind).replace("KERNEL", kernel).replace("LAUNCH", launch)), 1)
        wanted[f"{name}_0"] = ("", hint)
    return combined([*includes, "#include <cassert>\n"], programs), wanted, right


def wrong_sources():
    """A source with all answers of ERRORS, those to each a file of its own to the compiler, and {file: wanted hint}."""
    text, wanted = '#include "learn/lesson.h"\n', {}
    for number, (puzzle, body, hint) in enumerate(ERRORS):
        code = parts(LEARN / "puzzles" / f"{puzzle}.cu")[1]
        kernel = code[:code.index("{\n", code.index("__global__"))]
        answer = as_file(f"e{number}", f"{kernel}{{\n{body}\n}}")
        text += f"namespace e{number} {{\n{answer}}}\n"
        wanted[f"e{number}.cu"] = hint
    return text + "int main() {}\n", wanted


def train_programs():
    """The same of the lessons of train/, and {name: (lesson, wanted hint)}."""
    programs, wanted, includes = {}, {}, ["#include <span>\n"]
    for lesson, answers in TRAIN.items():
        path = LEARN / "train" / f"{lesson}.cpp"
        before, code, test, found = parts(path)
        solution = (LEARN / "solutions/train" / path.name).read_text()
        includes += found
        for number, (old, new, hint) in enumerate(answers):
            name = f"{lesson}_{number}"
            programs[name] = (before + (changed(solution, old, new) if old else code) + test, 1)
            wanted[f"{name}_0"] = (f"train/{lesson}", hint)
    return combined([*includes, "using namespace tern;\n"], programs), wanted


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(train_programs()[0])
