"""How a program of this folder answers benchmarks/comparison.py: a request and an answer are a line of JSON each."""
import json
import os
import sys
import traceback

import torch


def serve(device, make_answer):
    """Says hello, then make_answer()(request) for each request until standard input ends."""
    # Whatever a library prints goes to standard error: standard output is for answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(line):
        print(json.dumps(line), file=answers, flush=True)

    if device == "cuda" and not torch.cuda.is_available():
        return say({"absent": f"PyTorch {torch.__version__} sees no GPU"})
    answer = make_answer()
    say({"torch": torch.__version__})
    for line in sys.stdin:
        say(answer_or_failure(answer, json.loads(line)))


def answer_or_failure(answer, request):
    """A request must not take the program along with it, whatever PyTorch throws."""
    try:
        return answer(request)
    except NotImplementedError as error:
        return {"skipped": str(error)}
    except torch.cuda.OutOfMemoryError:
        return {"skipped": "out of memory"}
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}".strip().splitlines()[0]}


def allow_tf32(allowed):
    """By the switches that PyTorch has had since 1.7; newer ones must not be mixed with them."""
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed
