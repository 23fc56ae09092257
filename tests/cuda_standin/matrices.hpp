// Column-major matrices of drawn numbers and products by plain loops, the oracle of these tests.
#pragma once

#include <algorithm>
#include <complex>
#include <cstddef>
#include <random>
#include <type_traits>
#include <vector>

namespace standin::testing {

using Complex = std::complex<double>;

template <class T>
T conjugate(T value) {
  if constexpr (std::is_same_v<T, Complex>) return std::conj(value);
  return value;
}

template <class T>
struct Dense {
  Dense(int rows_, int cols_, int leading_ = 0)
      : rows(rows_),
        cols(cols_),
        leading(std::max(rows_, leading_)),
        data(static_cast<std::size_t>(leading) * static_cast<std::size_t>(cols_)) {}

  T& operator()(int i, int j) { return data[index(i, j)]; }
  T operator()(int i, int j) const { return data[index(i, j)]; }

  Dense adjoint() const {
    Dense result(cols, rows);
    for (int j = 0; j < cols; ++j) {
      for (int i = 0; i < rows; ++i) result(j, i) = conjugate((*this)(i, j));
    }
    return result;
  }

  int rows;
  int cols;
  int leading;
  std::vector<T> data;

 private:
  std::size_t index(int i, int j) const {
    return static_cast<std::size_t>(i) +
           static_cast<std::size_t>(j) * static_cast<std::size_t>(leading);
  }
};

template <class T>
Dense<T> drawn(int rows, int cols, unsigned seed, int leading = 0) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  Dense<T> result(rows, cols, leading);
  for (T& value : result.data) {
    if constexpr (std::is_same_v<T, Complex>) {
      value = {number(random), number(random)};
    } else {
      value = static_cast<T>(number(random));
    }
  }
  return result;
}

template <class T>
Dense<T> product(const Dense<T>& a, const Dense<T>& b) {
  Dense<T> result(a.rows, b.cols);
  for (int j = 0; j < b.cols; ++j) {
    for (int k = 0; k < a.cols; ++k) {
      for (int i = 0; i < a.rows; ++i) result(i, j) += a(i, k) * b(k, j);
    }
  }
  return result;
}

template <class T>
double distance(const Dense<T>& a, const Dense<T>& b) {
  double largest = 0.0;
  for (int j = 0; j < a.cols; ++j) {
    for (int i = 0; i < a.rows; ++i) {
      const double difference = static_cast<double>(std::abs(a(i, j) - b(i, j)));
      if (!(difference <= largest)) largest = difference;  // NaN stays
    }
  }
  return largest;
}

template <class T>
Dense<T> identity(int n) {
  Dense<T> result(n, n);
  for (int i = 0; i < n; ++i) result(i, i) = T{1};
  return result;
}

}  // namespace standin::testing
