#include "engine/distributed/communicator.h"

#include <algorithm>

namespace tern {
namespace {

class LocalCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce(std::span<double>) override {}
  std::unique_ptr<PendingSum> begin_all_reduce(std::span<float>) override { return std::make_unique<Done>(); }
  void broadcast_from(int, std::span<std::byte>) override {}
  std::vector<std::string> gather(const std::string& text) override { return {text}; }
  void barrier() override {}
  void set_patience(std::chrono::seconds) override {}
  void give_up_when(std::function<bool()>) override {}
  bool announce_failure(const std::string&) noexcept override { return true; }
  void leave() noexcept override {}

 private:
  struct Done final : PendingSum {
    void poll() override {}
    void wait() override {}
  };
};

std::span<std::byte> bytes_of(std::string& text) {
  return std::as_writable_bytes(std::span(text.data(), text.size()));
}

}  // namespace

std::string Communicator::broadcast(const std::string& text) {
  std::uint64_t size = text.size();
  broadcast(std::as_writable_bytes(std::span(&size, 1)));
  std::string copy = is_root() ? text : std::string(size, '\0');
  broadcast(bytes_of(copy));
  return copy;
}

std::vector<std::string> Communicator::all_gather(const std::string& text) {
  std::vector<std::string> texts = gather(text);
  texts.resize(static_cast<std::size_t>(size()));
  for (std::string& one : texts) one = broadcast(one);
  return texts;
}

bool Communicator::any(bool value) {
  double count = value ? 1 : 0;
  all_reduce(std::span(&count, 1));
  return count > 0;
}

std::unique_ptr<Communicator> make_local_communicator() {
  return std::make_unique<LocalCommunicator>();
}

Share share_of(std::int64_t count, int rank, int size) {
  const std::int64_t each = count / size, more = count % size;
  const std::int64_t begin = rank * each + std::min<std::int64_t>(rank, more);
  return {begin, begin + each + (rank < more ? 1 : 0)};
}

}  // namespace tern
