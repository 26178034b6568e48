#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace gemmetry::run {

/// Slots of a cache that are handed out and come back. It outlives what it hands out.
class SlotPool {
 public:
  /// A slot that is taken; it goes back when this ends.
  class Lease {
   public:
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), slot_(other.slot_) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(slot_, other.slot_);
      return *this;
    }
    ~Lease() {
      if (pool_) pool_->free_.push_back(slot_);
    }
    std::int32_t slot() const { return slot_; }

   private:
    friend class SlotPool;
    Lease(SlotPool& pool, std::int32_t slot) : pool_(&pool), slot_(slot) {}

    SlotPool* pool_;
    std::int32_t slot_;
  };

  explicit SlotPool(std::int64_t slots) : slots_(slots) {
    free_.reserve(static_cast<std::size_t>(slots));
    for (std::int64_t slot = slots; slot-- > 0;) free_.push_back(static_cast<std::int32_t>(slot));
  }
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  /// The slot that came back last, or the first; nothing where all are taken.
  std::optional<Lease> take() {
    if (free_.empty()) return std::nullopt;
    const std::int32_t slot = free_.back();
    free_.pop_back();
    return Lease(*this, slot);
  }

  std::int64_t taken() const { return slots_ - std::ssize(free_); }

 private:
  std::int64_t slots_;
  std::vector<std::int32_t> free_;
};

}  // namespace gemmetry::run
