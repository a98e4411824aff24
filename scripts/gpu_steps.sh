# The steps of scripts/gpu_check.sh, each a function that runs in a shell of its own: 0 passed, 77 skipped. From gpu_check.sh:
# build, work, python, call, no_gpu, and limit, the step's seconds.
# shellcheck shell=bash disable=SC2154

# warm: reads the libraries that a call is going to load.
warm() {
  shopt -s nullglob
  local packages=("$VIRTUAL_ENV"/lib/python3*/site-packages) files
  [ -e "$build/lib" ] && files=("$build"/lib/*.so*)
  for name in cudnn_graph cudnn_heuristic cudnn_engines_precompiled cudnn_ops cudnn_cnn cublasLt cublas nvrtc cudnn; do
    files+=("${packages[@]/%//nvidia/*/lib/lib$name*.so*}" "/usr/local/cuda/lib64/lib$name"*.so*)
  done
  [ "$call" = fast ] && files+=("${packages[@]/%//torch/lib/*.so*}")
  # shellcheck disable=SC2068
  exec cat ${files[@]}  # so that the end of this shell is cat's
}

# The X.Y that follows a pattern in what a program prints.
version_after() { sed -n "s/.*$1[ :]*\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p" | head -n 1; }

# want_gpu: says that a step is skipped where there is to be none. As in `want_gpu || return`.
want_gpu() {
  [ -z "$no_gpu" ] && return
  echo "skipped: no GPU (--no-gpu)"
  return 77
}

driver() {
  want_gpu || return
  nvidia-smi || return
  local supported toolkit
  supported=$(nvidia-smi | version_after 'CUDA [A-Z ]*Version')
  if [ -e bundle.txt ]; then toolkit=$(version_after cuda <bundle.txt); else toolkit=$(nvcc --version | version_after release); fi
  [ -n "$toolkit" ] || { echo "wanted nvcc on the PATH or in /usr/local/cuda/bin, got none"; return 1; }
  echo "The driver is for CUDA ${supported:-unknown}, the toolkit is $toolkit."
  # Within a major version an older driver does.
  if [ -n "$supported" ] && [ "${supported%.*}" -lt "${toolkit%.*}" ]; then
    echo "wanted a driver for CUDA ${toolkit%.*}, got one for CUDA $supported: update it, or build with an older toolkit"
    return 1
  fi
}

configure() { cmake -S . -B "$build" -G Ninja -DTERN_CUDA=ON -DTERN_TESTS=ON -DTERN_BENCHMARKS=ON -DTERN_EXAMPLES=OFF; }
build() {
  if ! configure; then
    echo "== Not configured: is it a package that is missing?"
    timeout --foreground 120 scripts/setup.sh && configure || return
  fi
  cmake --build "$build" --parallel "$(nproc)" --target tern bench_step bench_kernels gpu_tests
}

# Plans of convolutions that were timed beside other work are no good for the benchmarks, which keep their own.
busy() { XDG_CACHE_HOME=$build/plans-busy "$@"; }
quiet() { XDG_CACHE_HOME=$build/plans-quiet "$@"; }

# in_parallel FUNCTION: calls it with the words of each line that is read, eight at a time, each with its part of the cores.
in_parallel() {
  local cores
  cores=$(nproc)
  export OMP_NUM_THREADS=$((cores > 8 ? cores / 8 : 1))
  xargs -P8 -L1 bash -uo pipefail -c 'source scripts/gpu_steps.sh; "$@"' in_parallel "$1"
}

# note TABLE NAME RESULT SECONDS: a line of TABLE.tsv.
note() {
  printf '%s\t%s\t%s\n' "$2" "$3" "$4" >>"$work/$1.tsv"
  echo "$2 $3"
}

# names KIND: of the tests in gpu_tests, whose files have such names: engine, kernel or all.
names() { sed -nE "s/^(${1/all/engine|kernel}) //p" "$build/tests/gpu_tests.txt"; }

run_test() {
  local name=$1 begin=$SECONDS code=0 ended=failed log=$work/tests-$1.log
  # Two trainings are held to the same bits, which on a GPU must be asked for.
  case $name in backend | device_training) export TERN_DETERMINISTIC=1 ;; esac
  busy "$build/tests/gpu_tests" -sf="*/test_$name.cpp" >"$log" 2>&1 || code=$?
  if grep -qE 'test cases: +0 ' "$log"; then
    echo "wanted test cases of test_$name.cpp, got none" | tee -a "$log"
    code=1
  fi
  case $code in 0) ended=passed ;; 77) ended=skipped ;; esac
  note tests "$name" $ended $((SECONDS - begin))
  [ $ended != failed ]
}
tests() { names all | in_parallel run_test; }

# The real program from data to predictions. A step that could not be recorded runs call by call, with the same results and a
# word on standard error: here it is a failure.
training() {
  local tern=$build/tern device=cuda less=()
  [ -z "$no_gpu" ] || device=cpu less=(--set epochs=1 --threads 1)
  busy "$tern" demo-data --out "$work/data" &&
    busy "$tern" train --config apps/configs/demo.toml --device $device "${less[@]}" --data "$work/data" --out "$work/run" &&
    busy "$tern" evaluate --run "$work/run" --device $device &&
    busy "$tern" predict --run "$work/run" --device $device --images "$work/data/test_images" \
      --labels "$work/data/test_labels.csv" --out "$work/predictions.csv" || return
  if grep -q 'could not be recorded' "$work/training.log"; then
    echo "wanted every step recorded and replayed, got one that runs call by call"
    return 1
  fi
}

# sanitize_program TOOL NAME PORT: the test cases of a kernel, or a whole step of a ResNet-18. Passes without an error of the
# tool's; a test may fail under initcheck alone, for which nothing is poisoned.
sanitize_program() {
  local tool=$1 name=$2 begin=$SECONDS code=0 ended=failed log=$work/$1-$2.log options=() command
  case $name in
    step_*) command=("$build/bench_step" --device cuda --arch resnet18 --batch 8 --steps 3 --precision "${name#step_}") ;;
    *) command=("$build/tests/gpu_tests" -sf="*/test_$name.cpp" -tc='*kernel*') ;;
  esac
  case $tool in
    memcheck) options=(--report-api-errors no) ;;  # libraries ask for what a driver may not have
    initcheck)
      options=(--check-api-memory-access no)
      export TERN_LEAVE_UNWRITTEN=1
      ;;
  esac
  # A port of its own: by default all would try the same few.
  busy compute-sanitizer --tool "$tool" "${options[@]}" --error-exitcode 1 --port "$3" "${command[@]}" >"$log" 2>&1 || code=$?
  grep -q 'ERROR SUMMARY: 0 errors' "$log" && { [ $code -eq 0 ] || [ "$tool" = initcheck ]; } && ended=passed
  note "$tool" "$name" $ended $((SECONDS - begin))
  [ $ended = passed ]
}

# sanitize TOOL [NAME...]: over these and every kernel's test, at the shapes of the tests.
sanitize() {
  want_gpu || return
  command -v compute-sanitizer || { echo "wanted compute-sanitizer of the CUDA toolkit, got none"; return 1; }
  local tool=$1 port=49152 name
  shift
  for name in "$@" $(names kernel); do echo "$tool $name $((port += 32))"; done | in_parallel sanitize_program
}
memcheck() { sanitize memcheck step_bf16 step_fp32; }
synccheck() { sanitize synccheck; }
initcheck() { sanitize initcheck; }

# The comparisons start nothing new once their seconds are over, and need some to end what they have begun.
compare() {
  want_gpu || return
  local program=$1
  shift
  quiet "$python" "benchmarks/$program" --build "$build" --python "$python" \
    --seconds $((limit > 120 ? limit - 45 : limit * 2 / 3)) "$@"
}
training_step() { compare compare_step.py --device cuda --json "$work/step.json"; }
# Those that take the most of a step first.
kernels() { compare compare_kernels.py --json "$work/kernels.json"; }

# Where the time of the study's step and of ImageNet's goes, kernel by kernel.
profile() {
  want_gpu || return
  command -v ncu || { echo "skipped: no ncu (Nsight Compute)"; return 77; }
  local batch size failed=0
  while read -r batch size; do
    local table=$work/ncu-$size.csv
    if quiet ncu --csv --page raw --print-units base --metrics gpu__time_duration.sum --clock-control none \
      --cache-control none --log-file "$table" "$build/bench_step" --device cuda --precision bf16 \
      --batch "$batch" --size "$size" --steps 3 </dev/null >"$work/profile-$size.txt" 2>&1; then
      "$python" benchmarks/kernel_times.py --title "A training step of ResNet-50, $batch images of $size x $size" \
        --json "$work/profile-$size.json" "$table" || failed=1
    else
      tail -n 20 "$work/profile-$size.txt" "$table"
      failed=1
    fi
  done <<<$'64 64\n256 224'
  return $failed
}
