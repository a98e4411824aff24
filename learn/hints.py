"""What a program's output means, and what to think of: the verdict that learn/run prints, and the hint below it."""
import re

# What the emulator reports; the first that fits.
HINTS = (
    (r"shared array .* is read, but nobody has written it", "it may be that its writer has not come yet: a thread that reads what "
     "another writes needs __syncthreads() between the two. Else: shared memory holds anything at first, write it"),
    (r"with no barrier after", "two threads meet there in no order: put a __syncthreads() between the one's access and the other's"),
    (r"shared array .* element -\d+ of", "the index is below 0: the first threads have no neighbour there, leave them out"),
    (r"shared array .* is outside", "the last element of n is n - 1: compare the index with the array's size. What has the last thread?"),
    (r"\[42949\d{5}\]|element 42949\d{5}\b", "an index below 0: threadIdx.x and its like are unsigned, and 0 - 1 is 4294967295"),
    (r"after the end of freed memory|of freed memory", "it was given back by cudaFree before the kernel came"),
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
    (r"which nobody has written", "memory holds anything at first: is this an input that was never copied, or the output, read too early?"),
    (r"is at another __syncthreads", "all threads of the block must come to the same barrier: take it out of the if and the else"),
    (r"at __syncthreads\w* for threads that never come", "every thread of the block must reach every barrier: take it out of the branch, "
     "and let "
     "no thread return before it"),
    (r"with mask 0x\w+ for lanes that never come", "all lanes that the mask names must come to it: take it out of the branch"),
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
    (r"error: ", "mend the first error first: those below it often follow from it"),
)

# Of a lesson, what its learners come by; the first that fits, before those above.
OF_LESSON = {
    "puzzles/01_map": (
        (r"nothing orders", "every thread does the body, all at once, and each has to do with an element of its own: y[threadIdx.x], "
         "and no loop"),
        (r"after the end", "threadIdx.x is 0 to 31 already, and y[31] the last element"),
    ),
    "puzzles/02_guard": (
        (r"nothing orders", "every thread does the body, all at once, and each has to do with an element of its own: y[i], and no loop"),
    ),
    "puzzles/03_two_dimensions": (
        (r"thread .1[345], \d+, 0", "threads 13 to 15 of each row have no column: column < columns, too"),
        (r"thread .\d+, [67], 0", "the threads of rows 6 and 7 have no row: row < rows, too"),
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
}


def hint_of_lesson(output, key):
    return next((hint for pattern, hint in OF_LESSON.get(key, ()) if re.search(pattern, output)), "")


def hint_of(output):
    """By what the emulator has found; "" if it is nothing of that."""
    return next((hint for pattern, hint in HINTS if re.search(pattern, output)), "")


def verdict(output, key=""):
    """What a learner is told of a run: the lesson's own lines, or the fault, and a hint. `key`: of the lesson, "puzzles/01_map"."""
    lines = output.replace(" (--patience SECONDS gives it more)", "").splitlines()
    told = [line for line in lines if re.match(r"right|not yet|hint|tern: |\d+ columns: |[ \d]\d  ", line)]
    if not any(re.match("tern: |.*(right|not yet|WRONG)", line) for line in told):
        told = lines
    text = "\n".join(told)
    hint = hint_of_lesson(text, key)
    if hint:  # it knows better than what is said of any array
        told = [line for line in told if not line.startswith("hint: ")]
    elif "hint: " not in text:
        hint = hint_of(text)
    return "\n".join(told + ([f"hint: {hint}"] if hint else []))
