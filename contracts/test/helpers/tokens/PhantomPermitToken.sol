// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Like WETH9: no permit, but a fallback that accepts any call, so that a permit with any signature seems to succeed.
contract PhantomPermitToken is ERC20 {
    constructor() ERC20("Phantom", "PHM") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    fallback() external payable {}
}
