#!/usr/bin/env bash
# oneDNN 3.2.0 built with OpenMP (the wheel onednn-cpu-gomp 2023.2.0; 2.6.3 of Debian 12 likewise) computes half a matrix product
# where OpenMP gives fewer threads than omp_get_max_threads() says, and reports success.
#
# OMP_THREAD_LIMIT caps the threads of a program, OMP_DYNAMIC lets the runtime choose fewer; neither changes omp_get_max_threads() in GNU's
# libgomp. oneDNN divides a product among that many threads and starts a region of that many; what the missing ones had to do is
# done by nobody. The result keeps what was in memory there, dnnl_sgemm returns dnnl_success. With a limit of one thread and two
# asked for, half of a 64 x 64 to 512 x 512 product is not written; 32 x 32, which one thread does, and 1024 x 1024 are
# whole. A program on oneDNN must ask how many threads a region has (omp_get_num_threads() in one) and set that number. PyTorch
# 2.15.0 gave right answers under both variables.
#   findings/onednn_thread_limit.sh         needs Python 3 with venv, pip, and libgomp (any GCC's runtime); 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q onednn-cpu-gomp==2023.2.0
cat >"$folder/product.py" <<'PYTHON'
import ctypes
import sys

oneDNN = ctypes.CDLL(sys.argv[1])
Float, Long = ctypes.c_float, ctypes.c_int64
matrix = [ctypes.c_void_p, Long]
oneDNN.dnnl_sgemm.argtypes = [ctypes.c_char] * 2 + [Long] * 3 + [Float, *matrix, *matrix, Float, *matrix]
for n in (32, 64, 128, 256, 512, 1024):
    ones, c = (Float * n**2)(*[1.0] * n**2), (Float * n**2)(*[-1.0] * n**2)
    status = oneDNN.dnnl_sgemm(b"N", b"N", n, n, n, 1.0, ones, n, ones, n, 0.0, c, n)
    print(f"{n} x {n}: status {status}, {sum(x == n for x in c)} right, {sum(x == -1 for x in c)} not written")
PYTHON
run() { env OMP_NUM_THREADS=2 "$@" "$folder/venv/bin/python" "$folder/product.py" "$folder/venv/lib/libdnnl.so.3"; }
whole() { for n in 32 64 128 256 512 1024; do echo "$n x $n: status 0, $((n * n)) right, 0 not written"; done; }
half() {
  whole | sed -n 1p
  for n in 64 128 256 512; do echo "$n x $n: status 0, $((n * n / 2)) right, $((n * n / 2)) not written"; done
  whole | sed -n 6p
}
run >"$folder/free"
run OMP_THREAD_LIMIT=1 | tee "$folder/limited"
run OMP_DYNAMIC=true >"$folder/dynamic"
diff "$folder/free" <(whole) && diff "$folder/limited" <(half)
# How many a dynamic runtime gives depends on the load: on an idle machine it may give all.
cmp -s "$folder/dynamic" "$folder/limited" && echo "OMP_DYNAMIC=true: the same" || echo "OMP_DYNAMIC=true: all threads were given"
