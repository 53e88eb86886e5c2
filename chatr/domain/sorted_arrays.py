"""Insertion into and removal from sorted arrays, which take 8 bytes a number where lists take 36."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

FEW: Final = 8
"""Up to so many numbers are inserted or deleted in place, one by one; for more the array is copied once."""


def insert_sorted(numbers: "array[int]", added: Sequence[int]) -> "array[int]":
    """Return `numbers` with those in `added`; both must be ascending. The array may be changed and returned."""
    if len(added) <= FEW:
        for number in added:
            insort(numbers, number)
        return numbers
    # Each insertion in place moves all later numbers.
    merged, start = array(numbers.typecode), 0
    for number in added:
        end = bisect_left(numbers, number, start)
        merged += numbers[start:end]
        merged.append(number)
        start = end
    return merged + numbers[start:]


def remove_sorted(numbers: "array[int]", removed: Sequence[int]) -> "array[int]":
    """Return `numbers` without those in `removed`; both must be ascending. The array may be changed and returned."""
    if len(removed) <= FEW:
        for number in removed:
            index = bisect_left(numbers, number)
            if index < len(numbers) and numbers[index] == number:
                del numbers[index]
        return numbers
    # Each deletion in place moves all later numbers.
    remaining, start = array(numbers.typecode), 0
    for number in removed:
        end = bisect_left(numbers, number, start)
        remaining += numbers[start:end]
        start = end + (end < len(numbers) and numbers[end] == number)
    return remaining + numbers[start:]
