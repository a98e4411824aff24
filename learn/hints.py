"""What a program's output means, and what to think of: the verdict that learn/run prints, and the hint below it.

A lesson may have hints of its own, for what its learners come by, in lines of its test:
// if told "REGEX": the hint
"""
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
    (r"at __syncthreads\w* for threads that never come", "every thread of the block must reach every barrier: take it out of the branch, and let "
     "no thread return before it"),
    (r"with mask 0x\w+ for lanes that never come", "all lanes that the mask names must come to it: take it out of the branch"),
    (r"which does not hold the caller|which its mask 0x\w+ does not hold|while the other lanes of mask", "the mask names the lanes that take "
     "part: those that call it, and those whose values are wanted"),
    (r"no __threadfence\(\) between", "before a thread tells others of its results by an atomic it needs __threadfence(): else they may see "
     "the atomic, and not the results"),
    (r": writes [^,]+, which [^:]* wrote at [^:]*:\d+, and nothing orders the two", "several threads write the same element: is your index another "
     "one for each thread of each block, and inside its row? If all are to add to it, use atomicAdd"),
    (r"nothing orders the two: no barrier", "one thread's write meets another's access, in any order: let all read before anybody writes (a "
     "barrier), write elsewhere, or use atomics"),
    (r"nothing orders the two", "blocks run in any order, and no barrier reaches across them: use atomics, other memory, or a second launch"),
    (r"without giving way|ms and was here", "what ends the loop? Does its variable change for every thread?"),
    (r"a division of integers by zero", "which divisor can be 0, for which thread?"),
    (r"its stack is full", "what ends the recursion? And large arrays belong in shared or global memory"),
    (r"blocks of 1 to 1024 threads|a grid of at least 1 block|a grid of at most", "a block has 1 to 1024 threads in all, x times y times z, and a grid "
     "at least one block"),
    (r"bytes of (dynamic )?shared memory|bytes of __shared__ arrays", "a block's shared memory is small: take smaller tiles"),
    (r"assert\(|__trap", "the kernel says so itself: which of the values that it compares is not what it should be?"),
    (r"error: ", "mend the first error first: those below it often follow from it"),
)


def hint_of_lesson(output, lesson):
    told = re.findall(r'^// if told "(.*)": (.*)$', lesson, re.MULTILINE)
    return next((hint for pattern, hint in told if re.search(pattern, output)), "")


def hint_of(output):
    """By what the emulator has found; "" if it is nothing of that."""
    return next((hint for pattern, hint in HINTS if re.search(pattern, output)), "")


def verdict(output, lesson=""):
    """What a learner is told of a run: the lesson's own lines, or the fault, and a hint. `lesson`: its text."""
    lines = output.replace(" (--patience SECONDS gives it more)", "").splitlines()
    told = [line for line in lines if re.match(r"right|not yet|hint|tern: |\d+ columns: |[ \d]\d  ", line)]
    if not any(re.match("tern: |.*(right|not yet|WRONG)", line) for line in told):
        told = lines
    text = "\n".join(told)
    hint = hint_of_lesson(text, lesson)
    if hint:  # it knows better than what is said of any array
        told = [line for line in told if not line.startswith("hint: ")]
    elif "hint: " not in text:
        hint = hint_of(text)
    return "\n".join(told + ([f"hint: {hint}"] if hint else []))
