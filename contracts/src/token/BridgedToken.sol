// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// Stands for a token of another chain. Only its bridge mints and burns, for ever.
contract BridgedToken is ERC20Permit {
    address public immutable bridge;
    uint8 private immutable DECIMALS;

    error NotBridge(address caller);
    error ZeroBridge();

    modifier onlyBridge() {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        _;
    }

    constructor(string memory name_, string memory symbol_, uint8 decimals_, address bridge_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        if (bridge_ == address(0)) revert ZeroBridge();
        bridge = bridge_;
        DECIMALS = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }

    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
    }

    /// Needs no allowance: the bridge burns only what its own caller sends.
    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
    }
}
