// How many digits a route through second moments leaves.
#pragma once

namespace fastcca {

// Whether squaring the condition costs digits that the data hold. The error of a route through
// covariances or a Gram matrix is about 10 kappa^2 eps; that of the data themselves, from the
// rounding of their values, about 0.1 kappa eps(input).
bool loses_digits(double condition, double input_epsilon);

}  // namespace fastcca
