"""Wrong answers to puzzles: a kernel's body, or what stands in the solution and what stands there instead; and a part of the hint that it
is to get. Most were tried by somebody who wrote CUDA for the first time."""

I = "const int i = blockIdx.x * blockDim.x + threadIdx.x;"
# Parts of answers.
HALO = ("__shared__ float part[132]; int i = blockIdx.x * kBlock + threadIdx.x; if (i < n) part[threadIdx.x] = x[i]; if (threadIdx.x < 4 && i + "
        "kBlock < n) part[kBlock + threadIdx.x] = x[i + kBlock]; __syncthreads();")
SUM = "if (i < n - 4) { float sum = 0; for (int k = 0; k < 5; ++k) sum += w[k] * part[threadIdx.x + k]; y[i] = sum; }"
SCAN = ("__shared__ float sums[256]; int t = threadIdx.x; sums[t] = x[t]; __syncthreads(); for (int d = 1; d < 256; d *= 2) { READ "
        "__syncthreads(); } y[t] = sums[t];")
STEP = "float v = t >= d ? sums[t - d] : 0; __syncthreads(); sums[t] += v;"
FOUR = "for (int j = 0; j < 32; j += 8) { int row = blockIdx.y * 32 + threadIdx.y + j, column = blockIdx.x * 32 + threadIdx.x; "
TILE = ("__shared__ float tile[32][33]; for (int j = threadIdx.y; j < 32; j += 8) tile[j][threadIdx.x] = x[(blockIdx.y * 32 + j) * columns + "
        "blockIdx.x * 32 + threadIdx.x]; __syncthreads(); for (int j = threadIdx.y; j < 32; j += 8) y[(blockIdx.x * 32 + j) * rows + "
        "blockIdx.y * 32 + threadIdx.x] = tile[threadIdx.x][j];")
AT = "int i = blockIdx.y * 16 + threadIdx.y, j = blockIdx.x * 16 + threadIdx.x; "
WHOLE = AT + "float sum = 0; for (int k = 0; k < n; ++k) sum += a[i * n + k] * b[k * n + j]; c[i * n + j] = sum;"
TILES = AT + """__shared__ float tile_a[16][16], tile_b[16][16];
  float sum = 0;
  for (int t = 0; t < n; t += 16) {
  // ADD
    tile_a[threadIdx.y][threadIdx.x] = a[i * n + t + threadIdx.x];
    tile_b[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + j];
  __syncthreads();  // WRITTEN
    for (int k = 0; k < 16; ++k) sum += tile_a[threadIdx.y][k] * tile_b[k][threadIdx.x];
  __syncthreads();  // READ
  }
  c[i * n + j] = sum;"""
ZERO = "if (threadIdx.x < 16) of_block[threadIdx.x] = 0; __syncthreads();"
BINS = ("__shared__ int of_block[16]; " + ZERO + " for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) "
        "atomicAdd(&of_block[values[i]], 1); __syncthreads(); if (threadIdx.x < 16) atomicAdd(&counts[threadIdx.x], of_block[threadIdx.x]);")

PUZZLES = {
    "01_map": (
        ("y[0] = x[0] + 10;", "an element of its own"),
        ("for (int i = 0; i < 32; ++i) y[i] = x[i] + 10;", "an element of its own"),
        ("y[threadIdx.x] += 10;", "reads y.i.: add up in a variable"),
        ("y[threadIdx.x + 1] = x[threadIdx.x] + 10;", "threadIdx.x is 0 to 31 already"),
        ("y[threadIdx.x] = x[threadIdx.x - 1] + 10;", "0 - 1 is 4294967295"),
        ("y[threadIdx.x] = threadIdx.x + 10;", "this is i \\+ 10"),
        ("y[threadIdx.x] = x[threadIdx.x];", "this is x: add 10"),
        ("y[blockIdx.x] = x[blockIdx.x] + 10;", "an element of its own"),
        ("y[threadIdx.x] = x[0] + 10;", "every thread has read x.0."),
        ("y[threadIdx.x] = x[threadIdx.x] * 10;", "this is the product: add 10"),
        ("if (threadIdx.x == 0) y[0] = x[0] + 10;", "y.0. alone was written"),
        ("y[31 - threadIdx.x] = x[threadIdx.x] + 10;", "from the last to the first"),
        ("y[threadIdx.x ^ 3] = x[threadIdx.x] + 10;", "at wrong places"),
        ("if (threadIdx.x > 0) y[threadIdx.x - 1] = x[threadIdx.x] + 10; else y[31] = 3;", "one place too early"),
        ("y[threadIdx.x] = 7;", "all values are the same"),
        ("y[threadIdx.x] = sqrtf(x[threadIdx.x] + 8) + 10;", "take that one value by hand"),
        ("volatile float v; y[threadIdx.x] = v + x[threadIdx.x];", "no value yet when it is used"),
        ("map<<<1, 32>>>(x, y);", "kernels are launched by host code"),
    ),
    "02_guard": (
        ("y[threadIdx.x] = a[threadIdx.x] * b[threadIdx.x];", "A guard"),
        ("int i = threadIdx.x; if (i <= n) y[i] = a[i] * b[i];", "n - 1"),
        ("int i = threadIdx.x; if (i > n) return; y[i] = a[i] * b[i];", "n - 1"),
        ("int i = threadIdx.x; if (i >= n) y[i] = a[i] * b[i];", "A guard"),
        ("int i = threadIdx.x; if (i < n) y[i] = a[i] + b[i];", "this is the sum"),
        ("int i = threadIdx.x; if (i < n - 1) y[i] = a[i] * b[i];", "i < n lets it in"),
        ("for (int i = 0; i < n; ++i) y[i] = a[i] * b[i];", "an element of its own"),
        ("int i = threadIdx.x; if (i < n) y[i] = a[i] * a[i];", "one factor is of b"),
        ("int i = threadIdx.x; if (i = n) return; y[i] = a[i] * b[i];", "= writes, == compares"),
        ("int i = threadIdx.x; if (i < n); y[i] = a[i] * b[i];", "a ; ends the if"),
        ("int i = threadIdx.x; if (i < 32) y[i] = a[i] * b[i];", "these are the first 32"),
    ),
    "03_two_dimensions": (
        ("int row = threadIdx.x, column = threadIdx.y; if (row < rows && column < columns) y[row * columns + column] = x[row * columns + "
         "column] + 10;",
         "columns are x"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[row * rows + column] = x[row * rows + "
         "column] + 10;",
         "row \\* columns \\+ column"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows) y[row * columns + column] = x[row * columns + column] + 10;",
         "column < columns"),
        ("int row = threadIdx.y, column = threadIdx.x; if (column < columns) y[row * columns + column] = x[row * columns + column] + 10;",
         "row < rows"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[row * blockDim.x + column] = x[row * "
         "blockDim.x + column] + 10;",
         "row \\* columns \\+ column"),
        ("int i = threadIdx.x; if (i < rows * columns) y[i] = x[i] + 10;", "row \\* columns \\+ column"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[row * columns + column] = x[row * columns + "
         "column];",
         "this is x: add 10"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[column * rows + row] = x[row * columns + "
         "column] + 10;",
         "rows and columns have changed places"),
        ("y[threadIdx.y, threadIdx.x] = x[threadIdx.y, threadIdx.x] + 10;", "is .column. alone"),
    ),
    "04_broadcast": (
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[row * columns + column] = a[column] + b[row];",
         "a has a value for each row, b one for each column"),
        ("int row = threadIdx.x, column = threadIdx.y; if (row < rows && column < columns) y[row * columns + column] = a[row] + b[column];",
         "columns are x"),
        ("int i = threadIdx.x; if (i < columns) y[i] = a[i] + b[i];", "a has a value for each row, b one for each column"),
        ("int i = threadIdx.x; if (i < rows) y[i] = a[i] + b[i];", "threadIdx.y says which row"),
        ("int i = threadIdx.y; if (i < rows) y[i] = a[i] + b[i];", "threadIdx.x says which column"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[row * rows + column] = a[row] + b[column];",
         "a row of y has `columns` values"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[row * blockDim.x + column] = a[row] + "
         "b[column];",
         "a row of y has `columns` values"),
        ("int row = threadIdx.y, column = threadIdx.x; y[row * columns + column] = a[row] + b[column];", "column < columns"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows) y[row * columns + column] = a[row] + b[column];",
         "column < columns"),
        ("int row = threadIdx.y, column = threadIdx.x; if (column < columns) y[row * columns + column] = a[row] + b[column];",
         "row < rows"),
        ("int row = threadIdx.y, column = threadIdx.x; if (row < rows && column < columns) y[column * rows + row] = a[row] + b[column];",
         "this is the matrix transposed"),
        ("row * columns + column] = a[row] + b[column]", "row * columns + column] = a[row] + b[row]", "b is read by row"),
        ("a[row] + b[column]", "a[0] + b[column]", "its own is a.row."),
        ("a[row] + b[column]", "a[row] * b[column]", "these are the products"),
    ),
    "05_blocks": (
        ("int i = threadIdx.x; if (i < n) y[i] = 2 * x[i];", "every block has a thread 0"),
        ("int i = blockIdx.x; if (i < n) y[i] = 2 * x[i];", "every block has a thread 0"),
        ("int i = blockIdx.x * threadIdx.x; if (i < n) y[i] = 2 * x[i];", "every block has a thread 0"),
        (I + "y[i] = 2 * x[i];", "A guard"),
        (I + "if (i <= n) y[i] = 2 * x[i];", "n - 1"),
        ("int i = threadIdx.x * blockDim.x + blockIdx.x; if (i < n) y[i] = 2 * x[i];", "the block comes first"),
        (I + "if (i < n) y[i] = x[i];", "this is x: twice"),
        (I + "if (i < n) y[i] = x[i] * x[i];", "this is the square"),
        ("int i = (blockIdx.x + 1) * blockDim.x + threadIdx.x; if (i < n) y[i] = 2 * x[i];", "blockIdx.x begins at 0"),
        ("int i = blockIdx.x * 1024 + threadIdx.x; if (i < n) y[i] = 2 * x[i];", "the next begin blockDim.x further"),
    ),
    "06_grid_stride": (
        (I + "if (i < n) y[i] = x[i] * x[i];", "the first 512"),
        ("for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; ++i) y[i] = x[i] * x[i];", "gridDim.x \\* blockDim.x"),
        ("for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x) y[i] = x[i] * x[i];", "gridDim.x \\* blockDim.x"),
        ("for (int i = threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] = x[i] * x[i];", "begin at blockIdx.x"),
        ("for (int i = blockIdx.x * blockDim.x + threadIdx.x; i <= n; i += gridDim.x * blockDim.x) y[i] = x[i] * x[i];", "n - 1"),
        ("for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] = 2 * x[i];", "this is twice x"),
        ("for (int k = 0; k < 9; ++k) { int i = k * 512 + blockIdx.x * blockDim.x + threadIdx.x; y[i] = x[i] * x[i]; }",
         "5000 is no multiple of 512"),
    ),
    "07_shared": (
        ("__shared__ float block[64]; block[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x]; y[blockIdx.x * 64 + threadIdx.x] = block[63 "
         "- threadIdx.x];",
         "__syncthreads"),
        ("__shared__ float block[64]; block[threadIdx.x] = x[threadIdx.x]; __syncthreads(); y[blockIdx.x * 64 + threadIdx.x] = block[63 - "
         "threadIdx.x];",
         "the first 64 elements"),
        ("__shared__ float block[64]; block[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x]; __syncthreads(); y[threadIdx.x] = block[63 - "
         "threadIdx.x];",
         "a part of y of its own"),
        ("__shared__ float block[64]; block[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x]; __syncthreads(); y[blockIdx.x * 64 + "
         "threadIdx.x] = "
         "block[64 - threadIdx.x];", "n - 1"),
        ("__shared__ float block[64]; int i = blockIdx.x * 64 + threadIdx.x; block[i] = x[i]; __syncthreads(); y[i] = block[63 - "
         "threadIdx.x];",
         "within the block"),
        ("y[blockIdx.x * 64 + threadIdx.x] = x[255 - (blockIdx.x * 64 + threadIdx.x)];", "the whole array is reversed"),
    ),
    "08_pooling": (
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads(); y[i] = row[i] + row[i - 1] + row[i - 2];",
         "below 0"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; float sum = row[i]; if (i > 0) sum += row[i - 1]; if (i > 1) sum "
         "+= row[i - 2]; y[i] = sum;",
         "__syncthreads"),
        ("int i = threadIdx.x; y[i] = x[i] + x[i - 1] + x[i - 2];", "below 0"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads(); y[i] = i > 0 ? row[i] + row[i - 1] : row[i];",
         "two terms"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads(); y[i] = i > 1 ? row[i] + row[i - 1] + row[i - 2] "
         ": 0;",
         "fewer terms"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads(); y[i] = row[i] + (i < 127 ? row[i + 1] : 0) + (i "
         "< 126 ? row[i + 2] : 0);",
         "those before it"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads(); if (i > 0) row[i] += row[i - 1]; "
         "__syncthreads(); y[i] = row[i];",
         "__syncthreads"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads(); if (i > 1) y[i] = row[i] + row[i - 1] + row[i - "
         "2];", "fewer terms"),
        ("__shared__ float row[128]; unsigned i = threadIdx.x; row[i] = x[i]; __syncthreads(); y[i] = row[i] + row[i - 1];",
         "0 - 1 is 4294967295"),
        ("int i = threadIdx.x; for (int k = 0; k < 3; ++k) if (i >= k) y[i] += x[i - k];", "add up in a variable"),
        ("int i = threadIdx.x; volatile float sum; for (int k = 0; k < 3; ++k) if (i >= k) sum += x[i - k]; y[i] = sum;",
         "before it had a value"),
        ("int i = threadIdx.x; float sum; for (int k = 0; k < 3; ++k) if (i >= k) sum += x[i - k]; y[i] = sum;", "no value yet when it is used|"
         "before it had a value"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; __syncthreads; y[i] = row[i] + row[127 - i];",
         "a call wants its"),
        ("__shared__ float row[128]; int i = threadIdx.x; row[i] = x[i]; if (i == 0) { y[0] = row[0]; return; } __syncthreads(); y[i] = "
         "row[i] + row[i - 1];", "let no thread return before it"),
    ),
    "09_dot": (
        ("*y += a[threadIdx.x] * b[threadIdx.x];", "the 256 sums become one"),
        ("if (thread == 0) *y", "*y", "it alone writes y"),
        ("if (thread == 0) *y = sums[0]", "y[thread] = sums[thread]", "y has one element"),
        ("i < n; i += 256", "i < 256; i += 256", "the first 256 products"),
        ("    __syncthreads();\n", "", "must|when all have done the one before|needs __syncthreads"),
        ("    if (thread < half) sums[thread] += sums[thread + half];", "    if (thread < half) { sums[thread] += sums[thread + half]; "
         "__syncthreads(); }", "out of the if"),
        ("  float sum = 0;", "  volatile float sum;", "before it had a value"),
        ("__shared__ float sums[256]; int t = threadIdx.x; for (int i = t; i < n; i += 256) sums[t] += a[i] * b[i];",
         "adds to what nobody has written"),
        ("half = 128", "half = 256", "half begins at 128"),
        ("if (thread < half) sums", "sums", "only if t < half"),
        ("half > 0", "half > 1", "the last step is missing"),
        ("half > 0", "half >= 0", "what ends the loop"),
        ("half > 0", "half > 300", "the first thread's part"),
        ("if (thread == 0) *y = sums[0]", "if (thread == 255) *y = sums[255]", "sum of all is in sums.0."),
        ("a[i] * b[i]", "(a[i] + b[i])", "a.i. \\* b.i. are to be added"),
    ),
    "10_convolution": (
        ("__shared__ float part[132]; int i = blockIdx.x * kBlock + threadIdx.x; if (i < n) part[threadIdx.x] = x[i]; __syncthreads(); if (i "
         "< n - 4) y[i] = part[threadIdx.x] + part[threadIdx.x + 4];", "the halo"),
        (HALO + "float sum = 0; for (int k = 0; k < 5; ++k) sum += w[k] * part[threadIdx.x + k]; if (i < n - 4) y[i] = sum;",
         "only if i < n - 4"),
        (HALO.replace(" && i + kBlock < n", "") + "if (i < n - 4) y[i] = part[threadIdx.x];", "guard its read, too"),
        (HALO.replace("< 4", "< 5") + "if (i < n - 4) y[i] = part[threadIdx.x];", "part has 132"),
        (HALO.replace("x[i + kBlock]", "x[kBlock + threadIdx.x]") + SUM, "its own begins at"),
        (HALO.replace("__syncthreads();", "") + SUM, "__syncthreads"),
        (HALO + SUM.replace("k < 5", "k <= 5"), "their index is k, k < kWidth"),
        (HALO + SUM.replace("w[k]", "w[i]"), "their index is k, k < kWidth"),
        (HALO + SUM.replace("w[k]", "w[4 - k]"), "w runs backwards"),
        (HALO + SUM.replace("k < 5", "k < 4"), "these are four terms"),
        (HALO + SUM.replace("n - 4", "n - 5"), "the last output is missing"),
        ("int i = blockIdx.x * kBlock + threadIdx.x; if (i < n - 4) y[i] = x[i - 2] + x[i];", "y.i. begins at x.i."),
        ("int i = blockIdx.x * kBlock + threadIdx.x; if (i < n) y[i] = x[i];", "y has n - 4 elements"),
        ("__shared__ float part[132]; for (int k = 0; k < 132; ++k) part[k] = x[k]; y[threadIdx.x] = part[threadIdx.x];",
         "brought by one thread"),
    ),
    "11_prefix_sum": (
        (SCAN.replace("READ", "if (t >= d) sums[t] += sums[t - d];"), "in a step all read before anybody writes"),
        (SCAN.replace("READ", "float v = sums[t - d]; __syncthreads(); sums[t] += v;"), "nothing d before them"),
        (SCAN.replace("READ", "if (t >= d) { float v = sums[t - d]; __syncthreads(); sums[t] += v; }"), "take it out of the branch"),
        (SCAN.replace("READ", STEP).replace("d *= 2", "++d"), "d doubles from step to step"),
        (SCAN.replace("READ", STEP).replace("d < 256", "d < 128"), "the last step is missing"),
        (SCAN.replace("READ", STEP).replace("d < 256", "d < 2"), "one step was done"),
        (SCAN.replace("READ", STEP.replace("t >= d", "t > d")), "i >= d"),
        (SCAN.replace("READ", "float v = t + d < 256 ? sums[t + d] : 0; __syncthreads(); sums[t] += v;"), "of what comes after"),
        (SCAN.replace("READ", "volatile float v; if (t >= d) v = sums[t - d]; __syncthreads(); sums[t] += v;"), "before it had a value"),
        ("int t = threadIdx.x; y[t] = x[t] + (t > 0 ? y[t - 1] : 0);", "all threads run at once"),
        ("float sum = 0; for (int i = 0; i < threadIdx.x; ++i) sum += x[i]; y[threadIdx.x] = sum;", "itself belongs to its sum"),
        ("float sum = 0; for (int i = 0; i < 256; ++i) sum += x[i]; y[threadIdx.x] = sum;", "ends with x.i."),
        ("y[threadIdx.x] = x[threadIdx.x];", "no step was done"),
    ),
    "12_axis_sum": (
        ("  if (row >= rows) return;", "", "a whole warp does at once|leave if row >= rows"),
        ("if (lane == 0) y", "y", "lane 0 alone has the whole sum"),
        ("if (lane == 0) y", "if (lane == 31) y", "what the last lane ends up with"),
        ("column += 32", "column += 100", "the first 32 columns"),
        ("column += 32", "++column", "a lane has every 32nd"),
        ("column < columns", "column <= columns", "the last column is columns - 1"),
        ("distance = 16", "distance = 32", "begin with d = 16"),
        ("distance > 0", "distance > 1", "go down to d = 1"),
        ("distance > 0", "distance > 100", "the other lanes' sums belong to it"),
        ("sum += __shfl", "sum = __shfl", "adds what it gets"),
        ("sum += __shfl", "if (lane < distance) sum += __shfl", "every lane comes to every shuffle"),
        ("float sum = 0;", "volatile float sum;", "before it had a value"),
        ("blockIdx.x * blockDim.y + threadIdx.y", "threadIdx.y", "made of blockIdx.x and of threadIdx.y"),
        ("blockIdx.x * blockDim.y + threadIdx.y", "blockIdx.x", "made of blockIdx.x and of threadIdx.y"),
        ("row * columns + column", "column * rows + row", "down the columns"),
    ),
    "13_transpose": (
        ("int row = blockIdx.y * 32 + threadIdx.y, column = blockIdx.x * 32 + threadIdx.x; y[column * rows + row] = x[row * columns + column];",
         "each thread has four elements"),
        (FOUR + "y[row * columns + column] = x[row * columns + column]; }", "not transposed"),
        (FOUR + "y[column * columns + row] = x[row * columns + column]; }", "`columns` rows of `rows` values"),
        (FOUR.replace("blockIdx.y", "blockIdx.z").replace("blockIdx.x", "blockIdx.y").replace("blockIdx.z", "blockIdx.x") +
         "y[column * rows + row] = x[row * columns + column]; }", "blockIdx.x counts the tiles along the columns"),
        (TILE.replace("tile[threadIdx.x][j]", "tile[j][threadIdx.x]"), "each by itself is not transposed"),
        (TILE.replace("y[(blockIdx.x * 32 + j) * rows + blockIdx.y * 32", "y[(blockIdx.y * 32 + j) * columns + blockIdx.x * 32"),
         "stands where it stood"),
        (TILE.replace("x[(blockIdx.y * 32", "x[(blockIdx.y * 8"), "the tiles overlap"),
        (TILE.replace("__syncthreads();", ""), "__syncthreads"),
        (TILE.replace("tile[32][33]", "tile[8][33]"), "a tile has 32 rows"),
        (TILE.replace("j < 32", "j < 8", 1), "its four elements, 8 rows apart"),
        (TILE.replace("__shared__ ", "volatile "), "is __shared__"),
    ),
    "14_matmul": (
        ("int i = blockIdx.y * 16 + threadIdx.y, j = blockIdx.x * 16 + threadIdx.x; c[i * n + j] = a[i * n + j] * b[i * n + j];",
         "c.i..j. is the sum over k"),
        (WHOLE.replace("b[k * n + j]", "b[j * n + k]"), "b is read along its rows"),
        (WHOLE.replace("a[i * n + k]", "a[k * n + i]"), "a is read down its columns"),
        (WHOLE.replace("c[i * n + j]", "c[j * n + i]"), "rows and columns have changed places"),
        (WHOLE.replace("blockIdx.y * 16 + ", "").replace("blockIdx.x * 16 + ", ""), "a tile of c of its own"),
        (WHOLE.replace("float sum = 0;", "").replace("sum", "c[i * n + j]"), "add up in a variable"),
        (WHOLE.replace("float sum = 0;", "volatile float sum;"), "before it had a value"),
        (TILES.replace("t < n", "t < 16"), "these are the first tiles' products"),
        (TILES.replace("  // ADD\n", "    sum = 0;\n"), "these are the last tiles' products"),
        (TILES.replace("t + threadIdx.x", "blockIdx.x * 16 + threadIdx.x").replace("t + threadIdx.y", "blockIdx.y * 16 + threadIdx.y")
         .replace("t < n", "t < 16"), "of one tile of a and one of b"),
        (TILES.replace("  __syncthreads();  // READ", ""), "two barriers a tile"),
        (TILES.replace("  __syncthreads();  // WRITTEN", ""), "__syncthreads"),
        (TILES.replace("tile_b[k][threadIdx.x]", "tile_b[threadIdx.x][k]"), "b's tiles are read along their rows"),
        (TILES.replace("k < 16", "k < n"), "all indices are below kTile"),
        (TILES.replace("(t + threadIdx.y)", "(t + i)"), "down a column of b"),
        (TILES.replace("  __syncthreads();  // WRITTEN", "  if (threadIdx.x < 8) __syncthreads();"), "for every thread"),
    ),
    "15_online_softmax": (
        ("if (row >= rows) return;", "", "there are 6 rows and 8 warps"),
        ("if (row >= rows) return;", "if (row >= rows || lane >= columns) return;", "every lane comes to every shuffle"),
        ("if (larger == -INFINITY) return;", "", "such a pair stays as it is"),
        ("int row = blockIdx.x * 4 + threadIdx.y; if (row >= rows) return; float s = 0; for (int i = 0; i < columns; ++i) s += expf(x[row * "
         "columns + i]); for (int i = threadIdx.x; i < columns; i += 32) y[row * columns + i] = expf(x[row * columns + i]) / s;",
         "Less the row's largest value"),
        (" / sum", "", "divide by their sum"),
        ("sum = sum * expf(most - larger) + other_sum * expf(other_most - larger)", "sum += other_sum", "s is not the sum for the last m"),
        ("sum * expf(most - larger) +", "sum +", "s is not the sum|same formula"),
        ("distance > 0", "distance > 100", "join the 32 pairs"),
        ("__shfl_xor_sync", "__shfl_down_sync", "join the 32 pairs"),
        ("  y += row * columns;", "", "a row of y begins at"),
        ("y[i] =", "if (i < 5) y[i] =", "some values were never written"),
    ),
    "16_histogram": (
        (I + "if (i < n) counts[values[i]]++;", "another thread comes in between"),
        (I + "if (i < n) atomicAdd(&counts[values[i]], 1);", "go on from there, in a loop over the grid"),
        (BINS.replace(ZERO, ""), "the 16 counts hold anything at first"),
        (BINS.replace(ZERO, ZERO.replace("if (threadIdx.x < 16) ", "")), "16 counts, 256 threads"),
        (BINS.replace(ZERO, "for (int v = 0; v < 16; ++v) of_block[v] = 0; __syncthreads();"), "by one thread"),
        (BINS.replace("atomicAdd(&of_block[values[i]], 1)", "of_block[values[i]]++"), "atomicAdd.&of_block.v., 1."),
        (BINS.replace("; __syncthreads(); if", "; if"), "counting is over when"),
        (BINS.replace("atomicAdd(&counts[threadIdx.x], of_block[threadIdx.x])", "counts[threadIdx.x] += of_block[threadIdx.x]"),
         "another thread comes in between"),
        (BINS.replace("atomicAdd(&counts[threadIdx.x], of_block[threadIdx.x])", "counts[threadIdx.x] = of_block[threadIdx.x]"),
         "the parts are added"),
        (BINS.replace("; if (threadIdx.x < 16) atomicAdd(&counts[threadIdx.x], of_block[threadIdx.x])",
                      "; for (int v = 0; v < 16; ++v) atomicAdd(&counts[v], of_block[v])"), "256 times as many"),
        (BINS.replace("blockIdx.x * blockDim.x + threadIdx.x", "threadIdx.x").replace("gridDim.x * ", ""), "20 times as many"),
        (BINS.replace("if (threadIdx.x < 16) atomicAdd", "if (threadIdx.x == 0) atomicAdd"), "counts.0. alone"),
        (BINS.replace("1); __syncthreads();", "1), __syncthreads();"), "of the loop that some leave earlier"),
        (BINS.replace("values[i]", "values[i + 1]"), "A guard"),
    ),
}

# Answers that do not compile: of a puzzle, the body, and a part of the hint.
ERRORS = (
    ("01_map", "y[i] = x[i] + 10;", "int i = threadIdx.x"),
    ("01_map", "y[threadIdX.x] = x[threadIdX.x] + 10;", "in just these letters"),
    ("01_map", "std::cout << y[threadIdx.x];", "prints by printf"),
    ("01_map", "y[threadIdx.x] = x[threadIdx.x] + 10", "a semicolon is missing"),
    ("01_map", "y[threadIdx.x] = (x[threadIdx.x] + 10;", "each . and . wants its"),
    ("01_map", "y[threadidx.x] = x[threadidx.x] + 10;", "in just these letters"),
    ("01_map", "y[threadIdx] = x[threadIdx] + 10;", "have the parts .x"),
    ("01_map", "int i = threadIdx; y[i] = x[i] + 10;", "have the parts .x"),
    ("01_map", "y[threadIdx.x()] = 10;", "a value, not a function"),
    ("01_map", "x[threadIdx.x] = x[threadIdx.x] + 10;", "an input: results go to the output"),
    ("01_map", "y = x + 10;", "one element is x.i."),
    ("01_map", "return x[threadIdx.x] + 10;", "a kernel returns nothing"),
    ("01_map", "float i = threadIdx.x; y[i] = x[i] + 10;", "an index is a whole number"),
    ("02_guard", "y = a * b;", "one element is x.i."),
    ("03_two_dimensions", "y[threadIdx.y][threadIdx.x] = 10;", "a pointer takes one index"),
    ("05_blocks", "int i = blockIdx.x * threads + threadIdx.x; y[i] = 2;", "a kernel knows no variables of main"),
    ("06_grid_stride", "for (int i = 0, i < n, ++i) y[i] = 1;", "a semicolon is missing"),
    ("06_grid_stride", "y[threadIdx.x] = x[threadIdx.x] ^ 2;", "no power"),
    ("07_shared", "syncthreads();", "in just these letters"),
    ("09_dot", "__shared__ float sums[256]; y = sums[0]; z = 0;", "y if there is one only.*the first error first"),
    ("11_prefix_sum", "if (threadIdx.x > 0) { float v = x[0]; } y[0] = v;", "lives up to the"),
    ("12_axis_sum", "float v = 0; v += __shfl_down_sync(v, 16);", "which lanes, what, from how far"),
    ("12_axis_sum", "float v = 0; v += __shfl_down(v, 16);", "ends in _sync"),
    ("13_transpose", "__shared__ float tile[rows][33];", "fixed when the program is compiled"),
    ("15_online_softmax", "float m = max(x[0], x[1], x[2]); y[0] = m;", "which arguments does it take"),
    ("16_histogram", "atomicAdd(counts[0], 1);", "the address of what it changes"),
    ("01_map", "struct T {} t; y[0] = t - t;", "no such operator"),
    ("01_map", "const struct T { void set() {} } t{}; t.set();", "that is const and stays as it is"),
    ("01_map", "struct T {} t; t.backward();", "PyTorch's names are others"),
    ("01_map", "struct T {}; int i = T();", "another type is wanted there"),
    ("16_histogram", "counts.size = 0;", "by ->, a value's by a dot"),
)
