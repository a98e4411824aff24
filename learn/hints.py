"""What a program's output means, and what to think of: the verdict that learn/run prints, and the hint below it."""
import re

# What the emulator reports; the first that fits.
HINTS = (
    (r"shared array .* is read, but nobody has written it", "it may be that its writer has not come yet: a thread that reads what "
     "another writes needs __syncthreads() between the two. Else: shared memory holds anything at first, write it"),
    (r"with no barrier after", "two threads meet there in no order: put a __syncthreads() between the one's access and the other's, in no if"),
    (r"shared array .* element -\d+ of", "the index is below 0: the first threads have no neighbour there, leave them out"),
    (r"\[42949\d{5}\]|element 42949\d{5}\b", "an index below 0: threadIdx.x and its like are unsigned, and 0 - 1 is 4294967295"),
    (r"shared array .* is outside", "the last element of n is n - 1: compare the index with the array's size. What has the last thread?"),
    (r"after the end of freed memory|of freed memory", "it was given back by cudaFree before the kernel came"),
    (r"touches \S+, after the end of", "the last element of n is n - 1: compare the index with the array's size"),
    (r"after the end of", "which thread is this, and is there an element for it? A guard, if (i < n), leaves those out that have none; "
     "the last element is n - 1, so that i <= n lets one too many in"),
    (r"beyond the end of", "several elements at once, and the last of them are not there: how many are left?"),
    (r"before the begin of", "the index is below 0: the first threads have no neighbour there, leave them out"),
    (r"at the null pointer", "the pointer has been given no memory: what did cudaMalloc say?"),
    (r"in memory of the host", "a kernel gets memory of the device: what cudaMalloc gave, filled by cudaMemcpy"),
    (r"of another thread's own variables", "a variable within the kernel is its thread's own: others reach shared or global memory alone"),
    (r"where there is no memory", "that is no address of anything, so the pointer itself is wrong: where does it come from?"),
    (r"whose address is not aligned", "what is read or written at once lies at a multiple of its size (16 bytes for "
     "a float4): where does the pointer begin?"),
    (r"which nobody has written", "memory holds anything at first: an input that was never copied, or the output, read too early? (y[i] += ... "
     "reads y[i]: add up in a variable, float sum = 0, and write it once)"),
    (r"is at another __syncthreads", "all threads of the block must come to the same barrier: take it out of the if and the else"),
    (r"at __syncthreads\w* for threads that never come", "every thread of the block must reach every barrier: take it out of the branch, or "
     "of the loop that some leave earlier, and let no thread return before it"),
    (r"with mask 0x\w+ for lanes that never come", "all lanes that the mask names must come to it: take it out of the branch, or of the "
     "loop that some leave earlier"),
    (r"which does not hold the caller|which its mask 0x\w+ does not hold|while the other lanes of mask",
     "the mask names the lanes that take "
     "part: those that call it, and those whose values are wanted"),
    (r"no __threadfence\(\) between", "before a thread tells others of its results by an atomic it needs __threadfence(): else they may "
     "see "
     "the atomic, and not the results"),
    (r": writes [^,]+, which [^:]* wrote at [^:]*:\d+, and nothing orders the two", "several threads write the same element: is your "
     "index another "
     "one for each thread of each block, and inside its row? If all are to add to it, use atomicAdd"),
    (r"nothing orders the two: no barrier", "one thread's write meets another's access, in any order: let all read before anybody writes "
     "(a "
     "barrier), write elsewhere, or use atomics"),
    (r"nothing orders the two", "blocks run in any order, and no barrier reaches across them: use atomics, other memory, or a second "
     "launch"),
    (r"without giving way|ms and was here", "what ends the loop? Does its variable change for every thread?"),
    (r"a division of integers by zero", "which divisor can be 0, for which thread?"),
    (r"its stack is full", "what ends the recursion? And large arrays belong in shared or global memory"),
    (r"blocks of 1 to 1024 threads|a grid of at least 1 block|a grid of at most", "a block has 1 to 1024 threads in all, x times y times "
     "z, and a grid "
     "at least one block"),
    (r"bytes of (dynamic )?shared memory|bytes of __shared__ arrays", "a block's shared memory is small: take smaller tiles"),
    (r"assert\(|__trap", "the kernel says so itself: which of the values that it compares is not what it should be?"),
    (r"calls exit", "a thread is done at the end of the kernel, or at return"),
    (r"launches kernel|since it is a kernel", "kernels are launched by host code, here by main: what a kernel calls is a __device__ function"),
    (r"not yet: [\w ]*\[", "take that one value by hand: which thread writes it, and from which elements? What a thread has is shown by "
     "if (threadIdx.x == 0) printf(\"%g\\n\", ...) in the kernel"),
)

# What the compiler says; of the first error, for others often follow from it, or of a warning.
COMPILER = (
    (r"expected .;.|expected initializer before", "a semicolon is missing: behind what is named there, or on the line above"),
    (r"expected .\}. at end of input|a function-definition is not allowed|qualified-id in declaration before",
     "a brace is not closed: each { wants its }"),
    (r"expected declaration before .\}.|expected unqualified-id before", "a } too many, or a { too few"),
    (r"expected primary-expression", "a value, or a name, is missing there"),
    (r"expected .[)\]]. ", "a bracket is not closed: each ( and [ wants its ) and ]"),
    (r"(?i:.(threadidx|blockidx|blockdim|griddim). was not declared)|'?threadidx|blockidx|blockdim|griddim|syncthreads|__sync_threads|__syncthread\b", "CUDA's names are threadIdx, blockIdx, blockDim, "
     "gridDim and __syncthreads(), in just these letters"),
    (r"._*shfl_down. was|._*shfl_xor. was", "its name ends in _sync, and its first argument says which lanes take part: "
     "__shfl_down_sync(0xffffffff, value, d)"),
    (r".cout. |.cerr. ", "a kernel prints by printf(\"%g\\n\", x)"),
    (r"error: .i. was not declared", "a thread has no i before you make one: int i = threadIdx.x, or with the block's part in it; and it lives up to "
     "the } of the braces that it stands in"),
    (r"was not declared in this scope", "no such name here: a variable wants a type where it first stands (int i = ...), lives up to the } "
     "of the braces that it stands in, and a kernel knows no variables of main"),
    (r"read-only (location|variable)|assignment of read-only", "that is const, an input: results go to the output"),
    (r"no match for .operator.*\b(uint3|dim3)|cannot convert .(const )?(uint3|dim3)", "threadIdx, blockIdx and blockDim have the parts .x, "
     ".y and .z: which is meant?"),
    (r"no match for .operator", "these types have no such operator: the lesson's head says what works on them"),
    (r"discards qualifiers", "that is const and stays as it is: write into another"),
    (r"cannot be used as a function", "that is a value, not a function: no ( behind it"),
    (r"return-statement with a value", "a kernel returns nothing: it writes its results to memory, y[...] ="),
    (r"invalid types .*\*\[(float|double)", "an index is a whole number: int i"),
    (r"invalid types .* for array subscript", "memory has one dimension, so a pointer takes one index: [row * columns + column]"),
    (r"invalid conversion from .(const )?\w+\*. to|cannot convert .(const )?\w+\*. to|invalid operands of types .*\*.* to binary|"
     r"cannot convert .\w+. to .\w+\*", "a pointer is the address of its first element; one element is x[i], or *y if there is one only"),
    (r"invalid operands of types .*operator\^", "^ is no power in C++: x * x"),
    (r"size of array|storage size of .* constant|not an integral constant", "the size of an array is fixed when the program is compiled: a "
     "number, or a constexpr"),
    (r"call to .atomic\w+\(", "an atomic takes the address of what it changes, and by how much: atomicAdd(&counts[v], 1)"),
    (r"call to .__shfl", "__shfl_down_sync(0xffffffff, value, d): which lanes, what, from how far"),
    (r"invalid initialization of|could not convert|cannot convert", "another type is wanted there: compare with the line where the function, or "
     "the variable, is declared"),
    (r"no matching function for call|too (few|many) arguments", "which arguments does it take, and in which order?"),
    (r"no member named .(backward|item|zero_grad|step|size|sum|mean)\b", "PyTorch's names are others: here it is backward(loss), p.data(), p.grad(), "
     "p.clear_grad(), loss.data().item(), t.numel(); the lesson's head has those that it takes"),
    (r"has no member named|request for member", "a pointer's members are reached by ->, a value's by a dot"),
    (r"uninitialized", "that variable has no value yet when it is used: float sum = 0"),
    (r"suggest parentheses around assignment", "= writes, == compares"),
    (r"empty body|suggest braces around empty body", "a ; ends the if before what it was to guard"),
    (r"no effect|operand of comma|comma expression", "that line does nothing: a call wants its ( ), a write its =, "
     "and [row, column] is [column] alone: row * columns + column"),
)

# Of a lesson, what its learners come by; the first that fits, before those above.
OF_LESSON = {
    "puzzles/01_map": (
        (r"nothing orders", "every thread does the body, all at once, and each has to do with an element of its own: y[threadIdx.x], "
         "and no loop"),
        (r"\[\d{1,9}\], after the end", "threadIdx.x is 0 to 31 already, and y[31] the last element"),
    ),
    "puzzles/02_guard": (
        (r"nothing orders", "every thread does the body, all at once, and each has to do with an element of its own: y[i], and no loop"),
    ),
    "puzzles/03_two_dimensions": (
        (r"thread .1[345], \d+, 0", "threads 13 to 15 of each row have no column: column < columns as well as row < rows"),
        (r"thread .\d+, [67], 0", "the threads of rows 6 and 7 have no row: row < rows as well as column < columns"),
        (r"nothing orders|after the end", "the element of a row and a column lies at row * columns + column, with row = threadIdx.y "
         "and column = threadIdx.x"),
    ),
    "puzzles/04_broadcast": (
        (r"reads b.20.", "threads 20 to 31 of each row have no column: column < columns, beside row < rows"),
        (r"thread .0, 7, 0.: reads a.7.", "the threads of row 7 have no row: row < rows, beside column < columns"),
        (r"reads a.7.", "a has a value for each row, b one for each column: a[row] + b[column], row = threadIdx.y, column = threadIdx.x"),
        (r"thread .0, 1, 0.: writes y.0.", "the rows of threads all write the same: threadIdx.y says which row is meant, row * "
         "columns + column"),
        (r"thread .1, 0, 0.: writes y.0.", "the threads of a row all write the same: threadIdx.x says which column is meant"),
        (r"nothing orders|after the end of y", "a row of y has `columns` values, so the next begins that much further: row * columns "
         "+ column"),
    ),
    "puzzles/05_blocks": (
        (r"nothing orders", "every block has a thread 0, and every thread of a block the same blockIdx.x: an index is made of both, "
         "blockIdx.x * blockDim.x + threadIdx.x"),
    ),
    "puzzles/06_grid_stride": (
        (r"block .1, 0, 0., thread .0, 0, 0.: writes y.0.", "begin at blockIdx.x * blockDim.x + threadIdx.x: every block has a thread 0"),
        (r"nothing orders", "each turn goes on by the number of all threads, gridDim.x * blockDim.x: what lies between has others"),
    ),
    "puzzles/07_shared": (
        (r"block .1, 0, 0.* writes y.0.", "each block has a part of y of its own: blockIdx.x * 64 + threadIdx.x, as for x"),
        (r"block .1, 0, 0.*element 64 of 64", "`block` has the 64 elements of this block alone: its index is the thread's within the "
         "block, threadIdx.x"),
    ),
    "bugs/02_race": (
        (r"nothing orders the two;", "blocks run in any order, and no barrier reaches across them: either one block reads everything, into shared "
         "memory, before it writes, or the results go to memory of their own"),
    ),
    "bugs/07_lost_counts": (
        (r"nothing orders", "the line reads, adds and writes: between one thread's read and its write others do the same, and all but one count "
         "for nothing. Which function does the three at once?"),
    ),
    "bugs/08_uninitialised": (
        (r"is written with no barrier after thread", "each of the 16 bins is set to 0 by one thread, not by all of them"),
    ),
    "autograd/03_own_op": (
        (r"gradient of input 0 is off by 1 relative", "the gradient is nothing like it, as if dx were 0: dx = dy (s + y (1 - s)), in which dy is "
         "what comes from behind"),
        (r"gradient", "dx = dy (s + y (1 - s)): affine(a, factor, offset, to) is to = factor * a + offset. s and y are the closure's, which "
         "may be asked again: write into dx, not into them"),
        (r"value|output", "silu's values were right: x / (1 + e^-x)"),
    ),
    "puzzles/09_dot": (
        (r"thread .0, 0, 0.: shared array 'sums': element 0 of 256 is read, but", "sums[threadIdx.x] += adds to what nobody has written: add "
         "in a variable of the thread's own, float sum = 0, and put it there with ="),
        (r"writes y.\d+., after", "y has one element: thread 0 alone writes it"),
        (r"(reads|writes|updates) y.0.", "y has one element, and the threads come in any order: each adds up a part in a variable of its own, "
         "the 256 sums become one in shared memory, and thread 0 alone writes y"),
        (r"element 0 of 256 is read with no barrier after thread 0 wrote", "sums[0] is whole when thread 0 has added the last time: it alone "
         "writes y, if (threadIdx.x == 0)"),
        (r"'sums'.*is outside", "thread t adds sums[t + half], and only if t < half; half begins at 128"),
        (r"'sums'.*no barrier after", "of a step some threads add and others are read, none is both: t < half. A step begins when all have "
         "done the one before: __syncthreads() at each turn, outside of the if"),
    ),
    "puzzles/10_convolution": (
        (r"'part': element (128|129|130|131) of 132 is read, but", "the last outputs of a block want 4 inputs of the next one, the halo, "
         "part[128] to part[131]: four threads bring a second element"),
        (r"block .7, 0, 0..*'part': element \d+ of 132 is read, but", "in the last block not every thread has an output: sum and write only "
         "if i < n - 4, behind the barrier"),
        (r"thread .[0-3], 0, 0.: reads x.1\d\d\d.", "the last block's halo would lie behind x: guard its read, too"),
        (r"reads w.", "the weights are w[0] to w[4]: their index is k, k < kWidth"),
        (r"'part': element 132 of 132", "the halo has kWidth - 1 = 4 elements, so that part has 132"),
        (r"reads x.-", "y[i] begins at x[i]: x[i + k], k from 0, nothing before it"),
        (r"writes y.99\d., after", "y has n - 4 elements: i < n - 4"),
        (r"written with no barrier after", "each element of part is brought by one thread: part[threadIdx.x] = x[i], and the halo by four"),
    ),
    "puzzles/11_prefix_sum": (
        (r"'sums': element (-|42949)\d+ of", "the first d elements have nothing d before them: only if threadIdx.x >= d"),
        (r"'sums'.*no barrier after", "in a step all read before anybody writes: first into a variable, then __syncthreads(), then the "
         "addition, then __syncthreads()"),
        (r"(reads|writes|updates) y", "the y before is not there yet, for all threads run at once: add in steps, in shared memory"),
    ),
    "puzzles/12_axis_sum": (
        (r"block .2, 0, 0., thread .\d+, [23], 0.: (reads|writes)", "there are 10 rows and 12 warps: leave if row >= rows, which a whole warp "
         "does at once"),
        (r"reads x.*after", "the last column is columns - 1: column < columns"),
        (r"block .0, 0, 0., thread .\d+, 0, 0.: writes y.0., which block .0, 0, 0., thread .\d+, 0, 0.", "lane 0 alone has the whole sum: "
         "if (threadIdx.x == 0)"),
        (r"writes y.*nothing orders", "a warp for each row, whose number is made of blockIdx.x and of threadIdx.y: "
         "blockIdx.x * blockDim.y + threadIdx.y"),
        (r"for lanes that never come", "every lane comes to every shuffle: first the loop over columns, each lane into a sum of its own; then "
         "the five shuffles, in no if and in no loop over columns"),
    ),
    "puzzles/13_transpose": (
        (r"writes y.*after", "y has `columns` rows of `rows` values each: an element goes to y[column * rows + row]"),
        (r"reads x.*after", "x has `rows` rows of `columns` values; blockIdx.x counts the tiles along the columns, blockIdx.y along the rows"),
        (r"\(\[8\]\[\d+\]\) is outside", "a tile has 32 rows: the block has threads for 8, so each has four elements"),
        (r"\(\[8\]\[0\]\) is read, but", "has each thread brought its four elements, 8 rows apart (threadIdx.y, + 8, + 16, + 24)? Then a "
         "__syncthreads() is missing before the tile is read"),
    ),
    "puzzles/14_matmul": (
        (r"with no barrier after", "two barriers a tile, for every thread: one when the tiles are written, one when they have been read. Else a "
         "fast thread brings its part of the next tile while others still read"),
        (r"'tile_[ab]'.*is read, but", "a tile is there when all 256 threads have brought an element: __syncthreads() before it is read"),
        (r"'tile_[ab]'.*is outside", "within a tile all indices are below kTile"),
        (r"reads [ab].*after", "tiles go along a row of a, and down a column of b: in tile t the thread brings a[i][t + threadIdx.x] and "
         "b[t + threadIdx.y][j], t = 0, 16, 32, ..."),
        (r"nothing orders", "each block has a tile of c of its own: i = blockIdx.y * kTile + threadIdx.y, j = blockIdx.x * kTile + "
         "threadIdx.x"),
    ),
    "puzzles/15_online_softmax": (
        (r"block .1, 0, 0., thread .\d+, [23], 0.: (reads|writes)", "there are 6 rows and 8 warps: leave if row >= rows, which a whole warp "
         "does at once"),
        (r"for lanes that never come", "every lane comes to every shuffle, also one without a column (it brings m = -infinity, s = 0): first "
         "the loop over columns, then the five shuffles"),
        (r"writes y.*nothing orders", "a row of y begins at row * columns, and has the columns lane, lane + 32, ... below `columns`"),
    ),
    "puzzles/16_histogram": (
        (r"'of_block'.*is read, but", "the 16 counts hold anything at first: 16 threads set them to 0, then __syncthreads(), then all count"),
        (r"'of_block': element \d+ of 16 is outside", "16 counts, 256 threads: if (threadIdx.x < kBins)"),
        (r"'of_block'.*is read with no barrier after thread", "of_block[v]++ reads, adds and writes, and another thread comes in between: "
         "atomicAdd(&of_block[v], 1). And what all have counted is read after a __syncthreads()"),
        (r"'of_block'.*is written with no barrier after thread", "each of the 16 counts is set to 0 by one thread: if (threadIdx.x < kBins) "
         "of_block[threadIdx.x] = 0"),
        (r"'of_block'.*after another thread read", "counting is over when all threads are through: __syncthreads() before the counts are read"),
        (r"reads counts.*nothing orders", "counts[v]++ and counts[v] += read, add and write, and another thread comes in between: "
         "atomicAdd(&counts[v], ...)"),
        (r"writes counts.*nothing orders", "every block has counted a part: the parts are added, atomicAdd(&counts[v], of_block[v])"),
    ),
}

# What to think of if a count of a lesson is more than its solution's, in place of what learn/run says of any.
SCORE_OF_LESSON = {
    ("puzzles/13_transpose", "sectors a store"): "what lies side by side in x lies far apart in y: only through a tile in shared memory are reads and "
    "writes both of neighbours",
}


MOST_LINES = 20  # of what a kernel prints, and of a compiler's errors
OWN = re.compile(r"right|not yet|hint: |tern: |\d+ columns: |[ \d]\d  |    note: |checked at ")  # lines of a lesson's or the emulator's own
WARNING = re.compile(r"\S+:\d+:\d+: (warning|note): ")
# What says nothing to a learner: in which function a compiler's message is, that CUDA's calls fail after a fault, that a result was copied
# of which the lesson says that it was never written.
NOISE = re.compile(r"\S+: (In|At) .*[:,]$|(\d+ columns: )?the kernel: unspecified launch failure|"
                   r"tern: note: .*cudaMemcpy: .*nobody has written|tern-profile: (g|clang)\+\+.*: wanted a program that")


def first_fitting(hints, text):
    return next((hint for pattern, hint in hints if re.search(pattern, text)), "")


def without_option(line):
    """[-Wparentheses] stands behind a warning."""
    return re.sub(r" \[-[fW][\w=-]*\]$", "", line)


def shortened(lines):
    rest = len(lines) - MOST_LINES
    return lines if rest < 2 else [*lines[:MOST_LINES], f"... and {rest} lines more"]


def verdict_on_errors(lines):
    """Of a source that does not compile."""
    told = [without_option(line) for line in lines if not NOISE.match(line)]
    errors = [line for line in told if "error: " in line]
    hints = [first_fitting(COMPILER, errors[0]), "mend the first error first: those below it often follow from it" if errors[1:] else ""]
    return "\n".join(shortened(told) + [f"hint: {'; '.join(filter(None, hints))}"] * any(hints))


def verdict_on_checks(output, key):
    """Of a lesson that the suite's gradient check grades: what doctest prints of the first fault, and a hint."""
    if "Status: SUCCESS" in output:
        return "right: values and gradients are those of the formula in doubles, for every shape"
    thrown = re.search(r"test case THREW exception: (.*)", output)
    logged = re.search(r"logged: shape\.text\(\) := (.*)\n +(.*)", output)
    said = thrown.group(1) if thrown else f"for a tensor of shape {logged.group(1)}: {logged.group(2)}" if logged else output
    hint = first_fitting(OF_LESSON.get(key, ()), said)
    return f"not yet: {said}" + (f"\nhint: {hint}" if hint else "")


def verdict(output, key=""):
    """What a learner is told of a run: what was printed, the fault or what the lesson says, and one hint. `key`: "puzzles/01_map"."""
    output = re.sub(r" \(--patience SECONDS gives it more[^)]*\)", "", output)
    # What a kernel prints may end without a new line; and where the lesson has its memory from is of no interest.
    output = re.sub(r"(?<=[^\n])(tern: (?=\S+:\d+: |note: )|(?<!columns: )not yet: |right: all )", r"\n\1", output)
    output = re.sub(r": (cudaMalloc of \d+ bytes \(\S*lesson\.h:\d+\)|results of the lesson)", "", output)
    lines = output.splitlines()
    if any(re.search(r": (fatal )?error: ", line) for line in lines):
        return verdict_on_errors(lines)
    told = [line for line in lines if not WARNING.match(line) and not NOISE.match(line)]
    printed = [line for line in told if not OWN.match(line)]
    told = shortened(printed) + [line for line in told if OWN.match(line)]
    if key:
        told = [line.replace("write the kernel's body", f"write the kernel's body, in learn/{key}.cu") for line in told]
    text = "\n".join(told)
    is_right = not re.search(r"not yet|WRONG|^tern: (?!note: )|^tern-profile: ", text, re.MULTILINE)
    warnings = [] if is_right else [without_option(line) for line in lines if WARNING.match(line)]
    warned = first_fitting(COMPILER, "\n".join(warnings))
    is_certain = warned and "may be used uninitialized" not in "\n".join(warnings)
    hint = warned if is_certain else first_fitting(OF_LESSON.get(key, ()), text)
    fault = next((line for line in told if re.match("tern: (?!note: )", line)), "")  # after which the lesson may have gone on
    if not hint and (fault or "hint: " not in text):
        hint = warned or first_fitting(HINTS, fault or text)
    if hint:  # one, and it knows better than what is said of any array
        told = [line for line in told if not line.startswith("hint: ")]
    return "\n".join(warnings + told + ([f"hint: {hint}"] if hint else []))
