// A small case of the accumulation, for tools/count_instructions.py: argument 1 names the dtype.
#include <cstdio>
#include <cstring>

#include "core/moments.hpp"
#include "data.hpp"

// By name, so that the tool can tell it from the making of the samples.
extern "C" [[gnu::noinline]] void fastcca_counted(fastcca::Moments& moments,
                                                  std::span<const std::string> names,
                                                  std::span<const fastcca::ArrayView> views) {
  moments.update(names, views, 1);
}

int main(int argc, char** argv) {
  using namespace fastcca;
  using namespace fastcca::testing;
  const bool half = argc > 1 && std::strcmp(argv[1], "float16") == 0;
  const bool columns = argc > 2 && std::strcmp(argv[2], "columns") == 0;
  const DType dtype = half ? DType::kFloat16 : DType::kFloat32;
  const Layout layout = columns ? Layout::kColumnMajor : Layout::kRowMajor;
  const auto x = random_samples(2000, 64, dtype, 1, layout);
  const auto y = random_samples(2000, 64, dtype, 2, layout);
  Moments moments(backend());
  const std::vector<std::string> names{"x", "y"};
  const std::vector<ArrayView> views{x.view, y.view};
  fastcca_counted(moments, names, views);
  std::printf("%td\n", moments.n_samples());
  return 0;
}
