#include "apps/study/cross_fitted_taus.h"

namespace tern {
namespace {

Taus mean_of(const std::vector<Taus>& taus) {
  Taus mean;
  for (const Taus& one : taus) {
    mean.super += one.super / static_cast<double>(taus.size());
    mean.sub += one.sub / static_cast<double>(taus.size());
  }
  return mean;
}

std::vector<Taus> others(const std::vector<Taus>& taus, std::size_t own) {
  std::vector<Taus> rest = taus;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(own));
  return rest;
}

}  // namespace

RowTaus cross_fitted_taus(const std::vector<Taus>& of_folds, std::size_t without_count) {
  RowTaus taus;
  taus.last = mean_of(of_folds);
  for (std::size_t i = 0; i < of_folds.size(); ++i) taus.folds.push_back(mean_of(others(of_folds, i)));
  taus.without.assign(without_count, taus.last);
  return taus;
}

RowTaus cross_fitted_taus(const std::vector<Taus>& of_folds, const std::vector<Taus>& of_without) {
  RowTaus taus = cross_fitted_taus(of_folds, of_without.size());
  taus.last.super = mean_of(of_without).super;
  for (Taus& fold : taus.folds) fold.super = taus.last.super;
  for (std::size_t i = 0; i < of_without.size(); ++i)
    taus.without[i].super = mean_of(others(of_without, i)).super;
  return taus;
}

}  // namespace tern
