// What must hold of every state and every result; what does not ends the program.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/cca.hpp"
#include "core/factor_measures.hpp"
#include "core/measures.hpp"
#include "data.hpp"

namespace fastcca::fuzz {

[[noreturn]] void violated(const std::string& what);
void require(bool holds, const char* what);

void check_state(const Moments& moments);
void check_state(const QrFactor& factor);
// `single` saw this batch alone, or refused it: as products in double precision do, to what the
// roundings of float32 can add up to.
void check_single_batch(const Moments& single, std::span<const std::string> names,
                        std::span<const ArrayView> views);

void check_similarity(double value);
void check_descending(const std::vector<double>& values, double low, double high);
template <class Scalar>
void check_finite(const LinearAlgebra<Scalar>& algebra, const MatrixOf<Scalar>& a,
                  const char* what);
template <class Scalar>
void check_solution(const LinearAlgebra<Scalar>& algebra, const CcaSolutionOf<Scalar>& solution,
                    Index p, Index q, const CcaOptions& options);

}  // namespace fastcca::fuzz
