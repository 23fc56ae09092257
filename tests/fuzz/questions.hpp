// The states of the fuzzer, and what is asked of them.
#pragma once

#include <new>
#include <stdexcept>

#include "core/errors.hpp"
#include "fuzz.hpp"
#include "invariants.hpp"

namespace fastcca::fuzz {

// A state, and whether it was made up: then results mean nothing, and only the errors count.
template <class State>
struct Held {
  State state;
  bool made_up = false;
};

// Runs an operation; what it may throw is what the documentation says.
template <class F>
bool attempt(Op op, bool made_up, F body) {
  auto& thrown = counts().thrown[static_cast<std::size_t>(op)];
  try {
    body();
    ++counts().done[static_cast<std::size_t>(op)];
    return true;
  } catch (const DecompositionError& error) {
    // Its message asks for a report: data that lead here are worth a look.
    if (!made_up) {
      violated(std::string(kOpNames[static_cast<std::size_t>(op)]) + ": " + error.what());
    }
    ++thrown[3];
  } catch (const std::invalid_argument&) {
    ++thrown[0];
  } catch (const std::length_error&) {
    ++thrown[1];
  } catch (const std::out_of_range&) {
    ++thrown[2];
  } catch (const std::exception& error) {
    violated(std::string("only documented errors are thrown: ") + error.what());
  }
  return false;
}

using Similarity = double (*)(const Moments&, Index, Index);

// `blocks` is how many blocks there are to choose from.
void ask_cca(Reader& in, const Held<Moments>& held, Index blocks);
void ask_complex_cca(Reader& in, const Held<Moments>& held);
void ask_factor_cca(Reader& in, const Held<QrFactor>& held, Index blocks);
void ask_pls(Reader& in, const Held<Moments>& held, Index blocks);
void ask_similarity(Op op, Similarity measure, Reader& in, const Held<Moments>& held, Index blocks);
void ask_moments_of_factor(const Held<QrFactor>& held);
// State is Moments or QrFactor.
template <class State>
void ask_regression(Reader& in, const Held<State>& held, Index blocks);
template <class State>
void ask_axes(Reader& in, const Held<State>& held, Index blocks);
void ask_symmetric(Reader& in, const Held<Moments>& held, Index blocks);

}  // namespace fastcca::fuzz
