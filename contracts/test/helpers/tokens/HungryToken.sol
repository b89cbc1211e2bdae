// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Needs most of the gas that a payout is given, and refuses to move a single unit.
contract HungryToken is ERC20 {
    uint256 private constant APPETITE = 150_000;

    constructor() ERC20("Hungry", "HUN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        require(amount > 1, "too little");
        uint256 start = gasleft();
        while (start - gasleft() < APPETITE) {}
        return super.transfer(to, amount);
    }
}
